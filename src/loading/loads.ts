import { judge } from './freshness.ts'
import { Fill, type FillContext } from './fill.ts'
import type { Flight } from './flight.ts'
import type { LoadFunction, Origin } from './origin.ts'
import type { LoadKey, LoadRequest } from './request.ts'
import type { Tally } from './tally.ts'
import { trip } from './trip.ts'
import type { Found } from '../tier/tiers.ts'

/** What {@link Loads} is made of. */
export interface LoadsContext extends FillContext {
  readonly origin: Origin
  readonly tally: Tally
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
      for (const target of keys) values.push(this.#begin(target, request, own))
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
    const value = this.#begin(target, request, own)
    if (own.length > 0) this.#fly(own, load, request)
    return value instanceof Promise ? value : Promise.resolve(value)
  }

  /** What L1 has, else the promise of the key's flight; one that is new is added to `own`. */
  #begin(target: LoadKey, { mode, l1 }: LoadRequest, own: Flight[]): unknown {
    const { flights, tiers, tally } = this.#context
    const { key } = target
    if (mode === 'use') {
      const entry = l1 ? tiers.l1?.get(key) : undefined
      if (entry) {
        tally.hit(key, 'l1')
        return entry.value
      }
      const running = flights.get(key)
      if (running) {
        tally.loads.shared++
        return running.promise
      }
    }
    const flight = flights.open(target)
    own.push(flight)
    return flight.promise
  }

  #fly(own: readonly Flight[], load: LoadFunction, request: LoadRequest): void {
    const { clock, nodeTimeout, tiers } = this.#context
    const end = clock.monotonic() + nodeTimeout
    if (request.mode === 'refresh') {
      this.#load(own, load, request, end)
      return
    }
    const failed = (error: unknown): void => {
      for (const flight of own) this.#context.flights.fail(flight, error)
    }
    const [one, ...more] = own
    if (one && more.length === 0) {
      tiers.readOne(one.target, request.read).then((found) => {
        if (this.#isMissing(one, found, request)) this.#load(own, load, request, end)
      }, failed)
      return
    }
    const targets = own.map(({ target }) => target)
    tiers.read(targets, request.read).then((found) => {
      const missing = own.filter((flight, i) => this.#isMissing(flight, found[i] as Found, request))
      if (missing.length > 0) this.#load(missing, load, request, end)
    }, failed)
  }

  /** Settles a flight whose key is cached; says whether it is not. */
  #isMissing(flight: Flight, { entry, source, error }: Found, { strict }: LoadRequest): boolean {
    const { tally, flights, clock } = this.#context
    const { key } = flight.target
    if (error && strict) {
      flights.fail(flight, error)
      return false
    }
    if (entry === undefined || judge(entry, clock.now()) === 'expired') {
      tally.miss(key)
      return true
    }
    tally.hit(key, source)
    flights.done(flight)
    flight.resolve(entry.value)
    return false
  }

  #load(missing: readonly Flight[], load: LoadFunction, request: LoadRequest, end: number): void {
    const names = missing.map(({ target }) => target.name)
    this.#context.origin.run(load, names, request.hardTimeout, new Fill(this.#context, missing, request, end))
  }

  #bypass(keys: readonly LoadKey[], load: LoadFunction, { form, hardTimeout }: LoadRequest): Promise<unknown[]> {
    const names = keys.map(({ name }) => name)
    const loading = new Promise<readonly unknown[]>((resolve, reject) => {
      const listener = { loaded: resolve, failed: reject, ended: reject, givenUp: () => {} }
      this.#context.origin.run(load, names, hardTimeout, listener)
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
