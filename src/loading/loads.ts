import type { Settler } from '../base/caller.ts'
import type { Entry } from '../entry/entry.ts'
import { versionIn } from '../entry/form.ts'
import { Ask, type AnswerOne } from './ask.ts'
import type { Flight } from './flight.ts'
import { judge } from './freshness.ts'
import type { Gate } from './gate.ts'
import { Joiner, type AskAgain, type Call } from './join.ts'
import { beginLoad, Lead, type LeadContext } from './lead.ts'
import type { LoadFunction } from './origin.ts'
import type { LoadKey, LoadRequest } from './request.ts'
import type { Tally } from './tally.ts'
import { trip } from './trip.ts'
import { Found } from '../tier/found.ts'
import type { TierRead } from '../tier/asked.ts'

/** What {@link Loads} is made of. */
export interface LoadsContext extends LeadContext {
  readonly tally: Tally
  readonly gate: Gate | undefined
}

/** What is served, and loaded anew in the background. */
interface Ageing {
  readonly target: LoadKey
  readonly seen: Uint8Array | undefined
  readonly stale: unknown
}

/** What the keys of one call that are read together leave to do. */
interface Batch {
  readonly missing: Flight[]
  readonly ageing: Ageing[]
}

/** Says that the nodes have to be asked; and that L1 has a value that is to be loaded anew early. */
const ASK = Symbol('ask')
const ASK_EARLY = Symbol('ask early')
/** What is known of a key whose nodes are not asked. */
const UNKNOWN = new Found(undefined, undefined, '', undefined)

/** The promise that somebody settles. */
function settled(begin: (settler: Settler) => void): Promise<unknown> {
  return new Promise((resolve, reject) => begin({ resolve, reject }))
}

/**
 * Reading through the cache: what is there is returned, what is missing is loaded once, however many ask. Each caller reads
 * for itself (in one command with those that read in the same turn): a read under way may be older than a change that
 * who comes later knows of. Loads are shared, since a change that overtakes one shows when it is written.
 */
export class Loads {
  readonly #context: LoadsContext
  readonly #answerOne: AnswerOne = (ask, found, settler, now) =>
    this.#answer(ask.target, found, ask.early, ask, settler, now)
  readonly #askAgain: AskAgain = (target, call, how) => this.#ask(new Ask(this.#answerOne, target, call), how)
  readonly #settleFound = (flight: Flight, found: Found, request: LoadRequest): boolean =>
    this.#settle(flight, found, request)

  constructor(context: LoadsContext) {
    this.#context = context
  }

  /** One value per key, in order; `undefined` where there is none. All keys must be distinct. */
  async load(keys: readonly LoadKey[], load: LoadFunction, request: LoadRequest): Promise<unknown[]> {
    if (request.mode === 'bypass') return this.#bypass(keys, load, request)
    const since = this.#context.clock.monotonic()
    const call: Call = { load, request, since, loading: 0, again: false, failure: undefined }
    const values = keys.map((target) => this.#atHand(target, call))
    const asked = [...values.keys()].filter((i) => values[i] === ASK || values[i] === ASK_EARLY)
    if (asked.length > 0) {
      // Those that are shared may settle while the others are read.
      for (const value of values) if (value instanceof Promise) value.catch(() => {})
      const targets = asked.map((i) => keys[i] as LoadKey)
      const found = request.mode === 'refresh' ? undefined : await this.#context.tiers.read(targets, request.read)
      const now = this.#context.clock.now()
      const batch: Batch = { missing: [], ageing: [] }
      for (const [n, i] of asked.entries()) {
        const early = values[i] === ASK_EARLY
        values[i] = settled((settler) => {
          this.#answer(targets[n] as LoadKey, found?.[n] ?? UNKNOWN, early, call, settler, now, batch)
        })
      }
      this.#lead(batch.missing, load, request, since)
      this.#refresh(batch.ageing, call)
    }
    return Promise.all(values)
  }

  /**
   * What L1 has of a key, where nothing more needs to be asked: counted as a hit. `undefined` also when another way has to
   * find out, which counts what it finds.
   */
  inL1(key: string, { l1, mode, policy }: LoadRequest): Entry | undefined {
    const { tiers, tally, gate } = this.#context
    if (!l1 || mode !== 'use' || policy.earlyRefresh !== 0 || gate) return undefined
    const entry = tiers.l1?.hit(key)
    if (entry) tally.hit(key, 'l1')
    return entry
  }

  /** The same for one key. */
  loadOne(target: LoadKey, load: LoadFunction, request: LoadRequest): Promise<unknown> {
    if (request.mode === 'bypass') return this.#bypass([target], load, request).then(([value]) => value)
    const since = this.#context.clock.monotonic()
    const call: Call = { load, request, since, loading: 0, again: false, failure: undefined }
    return this.#ask(new Ask(this.#answerOne, target, call), request.read)
  }

  /** @param how how its nodes are read; `undefined` for not at all */
  #ask(ask: Ask, how: TierRead | undefined): Promise<unknown> {
    const value = this.#atHand(ask.target, ask)
    if (value !== ASK && value !== ASK_EARLY) return value instanceof Promise ? value : Promise.resolve(value)
    ask.early = value === ASK_EARLY
    if (how && ask.request.mode === 'use') return this.#context.tiers.readOne(ask.target, how, ask)
    return settled((settler) => ask.found(UNKNOWN, settler, this.#context.clock.now()))
  }

  /** What L1 has, or the promise of what is being loaded; `ASK` or `ASK_EARLY` for neither. */
  #atHand(target: LoadKey, call: Call): unknown {
    const { mode, l1, policy } = call.request
    const { flights, tiers, tally, gate, clock, random } = this.#context
    const { key } = target
    if (gate && !gate.mayExist(key)) {
      tally.loads.gated++
      return undefined
    }
    if (mode === 'refresh') return ASK
    const entry = l1 ? tiers.l1?.get(key) : undefined
    // What is in L1 is fresh. Without early refresh there is nothing more to ask.
    const verdict = entry && (policy.earlyRefresh === 0 ? 'fresh' : judge(entry, clock.now(), random, policy))
    if (entry && verdict === 'fresh') {
      tally.hit(key, 'l1')
      return entry.value
    }
    const running = flights.get(key)
    if (running?.joinable && !call.failure) {
      return settled((settler) => this.#join(running, call, settler, undefined))
    }
    // What is to be loaded anew early needs the version that the node has.
    return verdict === 'early' ? ASK_EARLY : ASK
  }

  /**
   * Settles who asked, once it is known what the node has, or has that done when the load ends.
   *
   * @param now wall clock
   * @param batch takes what is to be loaded together with others; without it, that begins at once
   */
  #answer(
    target: LoadKey,
    found: Found,
    early: boolean,
    call: Call,
    settler: Settler,
    now: number,
    batch?: Batch,
  ): void {
    const { tally, flights, tiers, cooldown, random } = this.#context
    const { mode, policy, strict } = call.request
    const l1 = call.request.l1 ? tiers.l1 : undefined
    const { error } = found
    const { key } = target
    if (strict && error) {
      settler.reject(error)
      return
    }
    // Meanwhile another load may have put into L1 what the node cannot give.
    const loaded = l1 && error ? l1.peek(key) : undefined
    const entry = loaded ?? found.entry
    const source = loaded ? 'l1' : found.source
    const verdict = entry ? judge(entry, now, random, policy) : 'expired'
    if (entry && verdict !== 'fallback' && verdict !== 'expired') {
      if (!call.again) tally.hit(key, source)
      if ((verdict !== 'fresh' || early) && !cooldown.get(key)) {
        const aged = { target, seen: seenIn(found), stale: entry.value }
        if (batch) batch.ageing.push(aged)
        else this.#refresh([aged], call)
      }
      settler.resolve(entry.value)
      return
    }
    if (mode === 'use') {
      if (!call.again) tally.miss(key)
      const fallback = verdict === 'fallback' ? entry : undefined
      const running = flights.get(key)
      if (running?.joinable && !call.failure) {
        this.#join(running, call, settler, fallback)
        return
      }
      // A load that takes long or has failed, and whose callers have been answered, may still be the only one.
      const failure = call.failure ?? running?.failure ?? cooldown.get(key)
      if (fallback && (failure || running?.outcome === 'fallback')) {
        settler.resolve(fallback.value)
        return
      }
      if (failure) {
        settler.reject(failure.error)
        return
      }
    }
    const flight = flights.open(target, settler)
    if (found.bytes ?? found.entry) this.#learn(flight, found, call.request)
    if (batch) batch.missing.push(flight)
    else this.#lead([flight], call.load, call.request, call.since + call.loading)
  }

  #join(flight: Flight, call: Call, settler: Settler, fallback: Entry | undefined): void {
    if (!call.again) this.#context.tally.loads.shared++
    flight.share(new Joiner(this.#context, this.#askAgain, flight, call, settler, fallback))
  }

  /** What the node has of a flight's key: what its lease replaces, and what may be served if its load fails. */
  #learn(flight: Flight, found: Found, { policy }: LoadRequest): void {
    flight.seen = seenIn(found)
    const { entry } = found
    if (!entry) {
      flight.stale = flight.fallback = undefined
      return
    }
    const { clock, random } = this.#context
    // Its window may end while the load runs.
    flight.fallback = () => (judge(entry, clock.now(), random, policy) === 'expired' ? undefined : entry)
    flight.stale = flight.fallback()?.value
  }

  /** Has the flights of missing keys loaded. */
  #lead(missing: readonly Flight[], load: LoadFunction, request: LoadRequest, since: number): void {
    const first = missing[0]
    if (first === undefined) return
    const { clock, nodeTimeout, tiers } = this.#context
    const now = clock.monotonic()
    const end = since + nodeTimeout
    const { policy, form } = request
    // Where there is nothing to wait for: thousands may come here at once, when nodes fail.
    const alone = missing.length === 1 && policy.softTimeout === undefined
    if (alone && !tiers.leases.available(first.target, form)) {
      beginLoad(this.#context, load, request, missing, now, end)
    } else new Lead(this.#context, load, request, this.#settleFound, now).begin(missing, end)
  }

  /** Settles a flight whose key somebody else has just written, unless that is of no use. */
  #settle(flight: Flight, found: Found, request: LoadRequest): boolean {
    const { flights, clock, random, cooldown } = this.#context
    const { entry } = found
    const verdict = entry ? judge(entry, clock.now(), random, request.policy) : 'expired'
    if (entry && verdict !== 'fallback' && verdict !== 'expired') {
      flight.ended = clock.monotonic()
      flights.done(flight)
      flight.resolve(entry.value, 'found')
      return true
    }
    this.#learn(flight, found, request)
    const failure = cooldown.get(flight.target.key)
    if (failure) flights.fail(flight, failure.error)
    return failure !== undefined
  }

  /** Loads keys anew whose callers have been served, unless that is under way. */
  #refresh(served: readonly Ageing[], { load, request }: Call): void {
    const { flights, clock } = this.#context
    const own = served
      .filter(({ target: { key } }) => !flights.inBackground(key) && !flights.get(key))
      .map(({ target, seen, stale }) => Object.assign(flights.openInBackground(target), { seen, stale }))
    this.#lead(own, load, request, clock.monotonic())
  }

  #bypass(keys: readonly LoadKey[], load: LoadFunction, { form, policy }: LoadRequest): Promise<unknown[]> {
    const names = keys.map(({ name }) => name)
    const loading = new Promise<readonly unknown[]>((resolve, reject) => {
      const listener = { loaded: resolve, failed: reject, ended: reject, givenUp: () => {} }
      this.#context.origin.run(load, names, policy.hardTimeout, listener, this.#context.clock.monotonic())
    })
    return loading.then((loaded) =>
      Promise.all(
        keys.map(async ({ name }, i) =>
          loaded[i] === undefined ? undefined : (await trip(loaded[i], name, form)).value,
        ),
      ),
    )
  }
}

/** The version of what the node has: by it, a lease replaces exactly that. */
function seenIn({ bytes }: Found): Uint8Array | undefined {
  return bytes && versionIn(bytes)
}
