import { judge } from './freshness.ts'
import type { Flight } from './flight.ts'
import type { Gate } from './gate.ts'
import { Lead, type LeadContext } from './lead.ts'
import type { LoadFunction } from './origin.ts'
import type { LoadKey, LoadRequest } from './request.ts'
import type { Tally } from './tally.ts'
import { trip } from './trip.ts'
import type { Found } from '../tier/found.ts'

/** What {@link Loads} is made of. */
export interface LoadsContext extends LeadContext {
  readonly tally: Tally
  readonly gate: Gate | undefined
}

/** Reading through the cache: what is there is returned, what is missing is loaded once, however many ask. */
export class Loads {
  readonly #context: LoadsContext

  constructor(context: LoadsContext) {
    this.#context = context
  }

  /** One value per key, in order; `undefined` where there is none. All keys must be distinct. */
  async load(keys: readonly LoadKey[], load: LoadFunction, request: LoadRequest): Promise<unknown[]> {
    if (request.mode === 'bypass') return this.#bypass(keys, load, request)
    const own: Flight[] = []
    const values: unknown[] = []
    try {
      for (const target of keys) values.push(this.#begin(target, load, request, own))
    } catch (error) {
      // L1 was given functions that throw. Others may have joined the flights that are open by then.
      for (const flight of own) flight.promise.catch(() => {})
      throw error
    } finally {
      if (own.length > 0) this.#fly(own, load, request)
    }
    return Promise.all(values)
  }

  /** The same for one key. */
  loadOne(target: LoadKey, load: LoadFunction, request: LoadRequest): Promise<unknown> {
    if (request.mode === 'bypass') return this.#bypass([target], load, request).then(([value]) => value)
    const own: Flight[] = []
    const value = this.#begin(target, load, request, own)
    if (own.length > 0) this.#fly(own, load, request)
    return value instanceof Promise ? value : Promise.resolve(value)
  }

  /** What L1 has, else the promise of the key's flight; one that is new is added to `own`. */
  #begin(target: LoadKey, load: LoadFunction, request: LoadRequest, own: Flight[]): unknown {
    const { mode, l1, policy } = request
    const { flights, tiers, tally, gate, clock, random } = this.#context
    const { key } = target
    if (gate && !gate.mayExist(key)) {
      tally.loads.gated++
      return undefined
    }
    let early = false
    if (mode === 'use') {
      const entry = l1 ? tiers.l1?.get(key) : undefined
      const verdict = entry && judge(entry, clock.now(), random, policy)
      // What is to be loaded anew early needs the version that the node has.
      early = verdict === 'early'
      if (entry && verdict === 'fresh') {
        tally.hit(key, 'l1')
        return entry.value
      }
      const running = flights.get(key)
      if (running) {
        tally.loads.shared++
        return running.join(() => this.loadOne(target, load, request))
      }
    }
    const flight = flights.open(target)
    flight.early = early
    own.push(flight)
    return flight.promise
  }

  #fly(own: readonly Flight[], load: LoadFunction, request: LoadRequest): void {
    const { clock, nodeTimeout, tiers, flights } = this.#context
    const end = clock.monotonic() + nodeTimeout
    if (request.mode === 'refresh') {
      this.#lead(own, load, request, end)
      return
    }
    const failed = (error: unknown): void => {
      for (const flight of own) flights.fail(flight, error)
    }
    const [one, ...more] = own
    if (one && more.length === 0) {
      tiers.readOne(one.target, request.read).then((found) => this.#found(own, [found], load, request, end), failed)
    } else {
      const targets = own.map(({ target }) => target)
      tiers.read(targets, request.read).then((found) => this.#found(own, found, load, request, end), failed)
    }
  }

  /** Settles the flights whose keys are cached, and has the others loaded; and what is cached but not for long. */
  #found(own: readonly Flight[], found: readonly Found[], load: LoadFunction, request: LoadRequest, end: number): void {
    const missing: Flight[] = []
    const ageing: Flight[] = []
    for (const [i, flight] of own.entries()) {
      const settled = this.#settle(flight, found[i] as Found, request, true)
      if (settled === 'missing') missing.push(flight)
      else if (settled === 'ageing') ageing.push(flight)
    }
    if (missing.length > 0) this.#lead(missing, load, request, end)
    if (ageing.length > 0) this.#refresh(ageing, load, request)
  }

  /**
   * What becomes of a flight once it is known what the node has: `ageing` is served, and to be loaded anew.
   *
   * @param counts whether it is the flight's first read, which is counted as a hit or a miss
   */
  #settle(
    flight: Flight,
    { entry, seen, source, error }: Found,
    request: LoadRequest,
    counts: boolean,
  ): 'settled' | 'ageing' | 'missing' {
    const { tally, flights, clock, random, cooldown } = this.#context
    const { key } = flight.target
    flight.seen = seen
    if (error && request.strict) {
      flights.fail(flight, error)
      return 'settled'
    }
    const judged = entry ? judge(entry, clock.now(), random, request.policy) : 'expired'
    const verdict = judged === 'fresh' && flight.early ? 'early' : judged
    if (entry && (verdict === 'fresh' || verdict === 'early' || verdict === 'stale')) {
      if (counts) tally.hit(key, source)
      flight.stale = entry.value
      flights.done(flight)
      flight.resolve(entry.value)
      return verdict === 'fresh' || cooldown.get(key) ? 'settled' : 'ageing'
    }
    if (counts) tally.miss(key)
    if (entry && verdict === 'fallback') {
      // Its window may end while the load runs.
      flight.fallback = () => (judge(entry, clock.now(), random, request.policy) === 'expired' ? undefined : entry)
      flight.stale = entry.value
    }
    const failure = cooldown.get(key)
    if (failure === undefined) return 'missing'
    flights.fail(flight, failure.error)
    return 'settled'
  }

  /** Loads keys anew whose callers have been served, unless that is under way. */
  #refresh(served: readonly Flight[], load: LoadFunction, request: LoadRequest): void {
    const { flights, clock, nodeTimeout } = this.#context
    const own = served
      .filter(({ target: { key }, fenced }) => !fenced && !flights.inBackground(key) && !flights.get(key))
      .map(({ target, seen, stale }) => {
        const flight = flights.openInBackground(target)
        return Object.assign(flight, { seen, stale })
      })
    if (own.length > 0) this.#lead(own, load, request, clock.monotonic() + nodeTimeout)
  }

  #lead(missing: readonly Flight[], load: LoadFunction, request: LoadRequest, end: number): void {
    const settle = (flight: Flight, found: Found): boolean => {
      const settled = this.#settle(flight, found, request, false)
      // Its load is somebody else's from here on: they have just written it.
      return settled !== 'missing'
    }
    new Lead(this.#context, load, request, settle).begin(missing, end)
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
