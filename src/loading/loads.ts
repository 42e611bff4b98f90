import { waitFor } from '../base/caller.ts'
import type { Entry } from '../entry/form.ts'
import type { Flight } from './flight.ts'
import { judge } from './freshness.ts'
import type { Gate } from './gate.ts'
import { Lead, type LeadContext } from './lead.ts'
import type { LoadFunction } from './origin.ts'
import type { LoadKey, LoadRequest } from './request.ts'
import type { Tally } from './tally.ts'
import { trip } from './trip.ts'
import type { Found } from '../tier/found.ts'
import type { TierRead } from '../tier/tiers.ts'

/** What {@link Loads} is made of. */
export interface LoadsContext extends LeadContext {
  readonly tally: Tally
  readonly gate: Gate | undefined
}

/** Who asks, while it waits. */
interface Call {
  readonly load: LoadFunction
  readonly request: LoadRequest
  /** From when on the nodes have kept it waiting (monotonic). */
  readonly since: number
  /** Whether it asks once more: its first time was counted. */
  readonly again: boolean
  /** What the load that it shared failed with: it only asks what may be served instead. */
  readonly failure: { readonly error: unknown } | undefined
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
const UNKNOWN: Found = { entry: undefined, seen: undefined, source: '', error: undefined }

/**
 * Reading through the cache: what is there is returned, what is missing is loaded once, however many ask. Each caller reads
 * for itself (in one command with those that read in the same turn): a read under way may be older than a change that
 * who comes later knows of. Loads are shared, since a change that overtakes one shows when it is written.
 */
export class Loads {
  readonly #context: LoadsContext

  constructor(context: LoadsContext) {
    this.#context = context
  }

  /** One value per key, in order; `undefined` where there is none. All keys must be distinct. */
  async load(keys: readonly LoadKey[], load: LoadFunction, request: LoadRequest): Promise<unknown[]> {
    if (request.mode === 'bypass') return this.#bypass(keys, load, request)
    const call = this.#newCall(load, request)
    const values = keys.map((target) => this.#atHand(target, call))
    const asked = [...values.keys()].filter((i) => values[i] === ASK || values[i] === ASK_EARLY)
    if (asked.length > 0) {
      // Those that are shared may settle while the others are read.
      for (const value of values) if (value instanceof Promise) value.catch(() => {})
      const targets = asked.map((i) => keys[i] as LoadKey)
      const found = request.mode === 'refresh' ? undefined : await this.#context.tiers.read(targets, request.read)
      const batch: Batch = { missing: [], ageing: [] }
      for (const [n, i] of asked.entries()) {
        values[i] = this.#answer(targets[n] as LoadKey, found?.[n] ?? UNKNOWN, values[i] === ASK_EARLY, call, batch)
      }
      this.#lead(batch.missing, call)
      this.#refresh(batch.ageing, call)
    }
    return Promise.all(values)
  }

  /** The same for one key. */
  loadOne(target: LoadKey, load: LoadFunction, request: LoadRequest): Promise<unknown> {
    if (request.mode === 'bypass') return this.#bypass([target], load, request).then(([value]) => value)
    return this.#ask(target, this.#newCall(load, request), request.read)
  }

  #newCall(load: LoadFunction, request: LoadRequest): Call {
    return { load, request, since: this.#context.clock.monotonic(), again: false, failure: undefined }
  }

  /** @param how how its nodes are read; `undefined` for not at all */
  #ask(target: LoadKey, call: Call, how: TierRead | undefined): Promise<unknown> {
    const value = this.#atHand(target, call)
    if (value !== ASK && value !== ASK_EARLY) return value instanceof Promise ? value : Promise.resolve(value)
    const take = (found: Found): unknown => this.#answer(target, found, value === ASK_EARLY, call)
    if (how === undefined || call.request.mode === 'refresh') return Promise.resolve(take(UNKNOWN))
    return this.#context.tiers.readOne(target, how).then(take)
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
    const verdict = entry && judge(entry, clock.now(), random, policy)
    if (entry && verdict === 'fresh') {
      tally.hit(key, 'l1')
      return entry.value
    }
    const running = flights.get(key)
    if (running?.joinable && !call.failure) return this.#join(running, target, call)
    // What is to be loaded anew early needs the version that the node has.
    return verdict === 'early' ? ASK_EARLY : ASK
  }

  /**
   * The value, or the promise of it, once it is known what the node has.
   *
   * @param batch takes what is to be loaded together with others; without it, that begins at once
   */
  #answer(target: LoadKey, found: Found, early: boolean, call: Call, batch?: Batch): unknown {
    const { tally, flights, cooldown, clock, random } = this.#context
    const { mode, policy, strict } = call.request
    const { entry, seen, source, error } = found
    const { key } = target
    if (error && strict) return Promise.reject(error)
    const verdict = entry ? judge(entry, clock.now(), random, policy) : 'expired'
    if (entry && verdict !== 'fallback' && verdict !== 'expired') {
      if (!call.again) tally.hit(key, source)
      if ((verdict !== 'fresh' || early) && !cooldown.get(key)) {
        const aged = { target, seen, stale: entry.value }
        if (batch) batch.ageing.push(aged)
        else this.#refresh([aged], call)
      }
      return entry.value
    }
    if (mode === 'use') {
      if (!call.again) tally.miss(key)
      const fallback = verdict === 'fallback' ? entry : undefined
      const running = flights.get(key)
      if (running?.joinable && !call.failure) return this.#join(running, target, call, fallback)
      // A load that takes long or has failed, and whose callers have been answered, may still be the only one.
      const failure = call.failure ?? running?.failure ?? cooldown.get(key)
      if (fallback && (failure || running?.outcome === 'fallback')) return fallback.value
      if (failure) return Promise.reject(failure.error as Error)
    }
    const flight = flights.open(target)
    this.#learn(flight, found, call.request)
    if (batch) batch.missing.push(flight)
    else this.#lead([flight], call)
    return flight.promise
  }

  /**
   * Shares a flight. What it comes to may be older than a change that this caller knows of, and the flight's first one did
   * not: then this caller asks again, in the time that is left to it.
   *
   * @param fallback what this caller read itself, to be served if the load fails
   */
  #join(flight: Flight, target: LoadKey, call: Call, fallback?: Entry): Promise<unknown> {
    if (!call.again) this.#context.tally.loads.shared++
    const leased = flight.token !== undefined
    return flight.promise.then(
      (value) => {
        if (flight.outcome === 'fallback') {
          return this.#isUsable(fallback, call) ? fallback?.value : this.#askAgain(flight, target, call)
        }
        // Without a lease, nothing shows.
        return leased ? this.#confirm(flight, value, target, call) : value
      },
      (error: unknown) => {
        if (this.#isUsable(fallback, call)) return fallback?.value
        throw error
      },
    )
  }

  /** What a flight came to, once its node has taken it, unless the node knows of something newer. */
  async #confirm(flight: Flight, value: unknown, target: LoadKey, call: Call): Promise<unknown> {
    const { clock, deadlines, nodeTimeout } = this.#context
    const left = nodeTimeout - flight.spent(call.since, clock.monotonic())
    if (flight.written && left >= 1) {
      await waitFor(flight.written, { signal: undefined, timeout: left }, deadlines, () => {})
    }
    return flight.sure ? value : this.#askAgain(flight, target, call)
  }

  #askAgain(flight: Flight, target: LoadKey, call: Call): Promise<unknown> {
    const { clock, nodeTimeout } = this.#context
    const now = clock.monotonic()
    const spent = flight.spent(call.since, now)
    const left = nodeTimeout - spent
    // Whose time with the nodes is over goes on without them.
    const how = left < 1 ? undefined : { ...call.request.read, timeout: left }
    return this.#ask(target, { ...call, since: now - spent, again: true, failure: flight.failure }, how)
  }

  #isUsable(entry: Entry | undefined, { request }: { readonly request: LoadRequest }): boolean {
    const { clock, random } = this.#context
    return entry !== undefined && judge(entry, clock.now(), random, request.policy) !== 'expired'
  }

  /** What the node has of a flight's key: what its lease replaces, and what may be served if its load fails. */
  #learn(flight: Flight, { entry, seen }: Found, request: LoadRequest): void {
    const usable = (): Entry | undefined => (this.#isUsable(entry, { request }) ? entry : undefined)
    flight.seen = seen
    flight.stale = usable()?.value
    // Its window may end while the load runs.
    flight.fallback = entry && usable
  }

  /** Has the flights of missing keys loaded. */
  #lead(missing: readonly Flight[], { load, request, since }: Call): void {
    if (missing.length === 0) return
    const settle = (flight: Flight, found: Found): boolean => this.#settle(flight, found, request)
    new Lead(this.#context, load, request, settle).begin(missing, since + this.#context.nodeTimeout)
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
    const { flights } = this.#context
    const own = served
      .filter(({ target: { key } }) => !flights.inBackground(key) && !flights.get(key))
      .map(({ target, seen, stale }) => Object.assign(flights.openInBackground(target), { seen, stale }))
    this.#lead(own, this.#newCall(load, request))
  }

  #bypass(keys: readonly LoadKey[], load: LoadFunction, { form, policy }: LoadRequest): Promise<unknown[]> {
    const names = keys.map(({ name }) => name)
    const loading = new Promise<readonly unknown[]>((resolve, reject) => {
      const listener = { loaded: resolve, failed: reject, ended: reject, givenUp: () => {} }
      this.#context.origin.run(load, names, policy.hardTimeout, listener)
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
