import { waitFor } from '../base/caller.ts'
import type { Clock } from '../base/clock.ts'
import type { Deadlines } from '../base/deadlines.ts'
import type { Drops } from '../base/drops.ts'
import { LoadError, quote } from '../base/errors.ts'
import type { Router } from '../cluster/router.ts'
import { encodeValue } from '../entry/codec.ts'
import { packedSize, roundTrip, type Form, type Revived } from '../entry/form.ts'
import type { ReadPolicy } from '../shard/read-policy.ts'
import type { TierKey } from '../tier/key.ts'
import type { Found, Tiers, TierWrite } from '../tier/tiers.ts'
import { judge } from './freshness.ts'
import type { Flight, Flights } from './flight.ts'
import type { LoadFunction, Origin } from './origin.ts'
import type { Tally } from './tally.ts'

/** How a load goes: what the call that opens a flight says rules the flight. */
export interface LoadRequest {
  readonly form: Form
  readonly reads: ReadPolicy
  readonly l1: boolean
  /** `use`: what is cached, else load. `refresh`: load, and cache that. `bypass`: load, and leave the cache alone. */
  readonly mode: 'use' | 'refresh' | 'bypass'
  /** Milliseconds. */
  readonly ttl: number
  /** Milliseconds; `undefined` to remember no absence. */
  readonly negativeTtl: number | undefined
  /** Milliseconds. */
  readonly hardTimeout: number
  /** Whether a node's trouble rejects the load instead of being loaded around. */
  readonly strict: boolean
}

/** A key to load, and the name by which the user's loader knows it. */
export interface LoadKey extends TierKey {
  readonly name: string
}

interface Loading {
  readonly flight: Flight
  readonly target: LoadKey
}

/** What {@link Loads} is made of. */
export interface LoadsContext {
  readonly tiers: Tiers
  readonly router: Router
  readonly origin: Origin
  readonly flights: Flights
  readonly tally: Tally
  readonly drops: Drops
  readonly clock: Clock
  readonly deadlines: Deadlines
  /** Milliseconds. */
  readonly nodeTimeout: number
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
    const own: Loading[] = []
    const values: unknown[] = []
    try {
      for (const target of keys) values.push(this.#begin(target, request, own))
    } catch (error) {
      // L1 was given functions that throw. Others may have joined the flights that are open by then.
      for (const { flight } of own) flight.promise.catch(() => {})
      throw error
    } finally {
      if (own.length > 0) void this.#fly(own, load, request)
    }
    return Promise.all(values)
  }

  /** The same for one key. */
  loadOne(target: LoadKey, load: LoadFunction, request: LoadRequest): Promise<unknown> {
    if (request.mode === 'bypass') return this.#bypass([target], load, request).then(([value]) => value)
    const own: Loading[] = []
    const value = this.#begin(target, request, own)
    if (own.length > 0) void this.#fly(own, load, request)
    return value instanceof Promise ? value : Promise.resolve(value)
  }

  /** What L1 has, else the promise of the key's flight; one that is new is added to `own`. */
  #begin(target: LoadKey, { mode, l1 }: LoadRequest, own: Loading[]): unknown {
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
    const flight = flights.open(key)
    own.push({ flight, target })
    return flight.promise
  }

  async #fly(own: readonly Loading[], load: LoadFunction, request: LoadRequest): Promise<void> {
    const { clock, nodeTimeout, flights, tiers } = this.#context
    try {
      const start = clock.monotonic()
      let missing = own
      if (request.mode === 'use') {
        const { form, reads, l1 } = request
        const targets = own.map(({ target }) => target)
        const found = await tiers.read(targets, { form, reads, timeout: nodeTimeout, l1: l1 ? 'fill' : 'off' })
        missing = this.#settleFound(own, found, request)
        if (missing.length === 0) return
      }
      await this.#fill(missing, load, request, nodeTimeout - (clock.monotonic() - start))
    } catch (error) {
      for (const { flight } of own) flight.reject(error)
    } finally {
      for (const { flight } of own) flights.done(flight)
    }
  }

  /** Settles the flights whose keys are cached; returns the others. */
  #settleFound(own: readonly Loading[], found: readonly Found[], { strict }: LoadRequest): Loading[] {
    const { tally, flights, clock } = this.#context
    const now = clock.now()
    return own.filter(({ flight, target }, i) => {
      const { entry, source, error } = found[i] as Found
      if (error && strict) {
        flight.reject(error)
        return false
      }
      if (entry === undefined || judge(entry, now) === 'expired') {
        tally.miss(target.key)
        return true
      }
      tally.hit(target.key, source)
      flight.resolve(entry.value)
      flights.done(flight)
      return false
    })
  }

  /** Loads what is missing, writes it to its nodes and settles the flights; waits for the nodes `left` milliseconds at most. */
  async #fill(missing: readonly Loading[], load: LoadFunction, request: LoadRequest, left: number): Promise<void> {
    const { origin, flights, deadlines } = this.#context
    const names = missing.map(({ target }) => target.name)
    const { loaded, ms } = await origin.run(load, names, request.hardTimeout, {
      failed: (error) => {
        for (const { flight } of missing) flight.reject(error)
      },
      givenUp: () => {
        for (const { flight } of missing) {
          flight.fenced = true
          flights.done(flight)
        }
      },
    })
    const prepared: Prepared[] = []
    for (const [i, loading] of missing.entries()) {
      const value = this.#prepare(loading, loaded[i], request, ms)
      prepared.push(value instanceof Promise ? await value : value)
    }
    const filled = this.#write(prepared, request)
    let filling = filled !== undefined
    const all = filled?.then(() => (filling = false))
    if (all && left >= 1) await waitFor(all, { signal: undefined, timeout: left }, deadlines, () => false)
    for (const { loading, value } of prepared) {
      // Who asks while the node still takes its time gets what was loaded; who asks after that reads the node.
      if (!filling) flights.done(loading.flight)
      loading.flight.resolve(value)
    }
    await all
  }

  /** What one key's waiters get, and what is written for it. A value that cannot be cached rejects its own flight only. */
  #prepare(loading: Loading, raw: unknown, request: LoadRequest, ms: number): Prepared | Promise<Prepared> {
    const { target, flight } = loading
    const { form, negativeTtl } = request
    if (raw === undefined) {
      const keep = negativeTtl !== undefined && form.format === 'envelope'
      const write = keep ? this.#fillOf(loading, request, ms, 'negative', NOTHING, undefined, negativeTtl) : undefined
      return { loading, value: undefined, write }
    }
    const accept = ({ payload, value }: Tripped): Prepared => {
      const { router, drops, tiers } = this.#context
      const replaces = request.mode === 'refresh'
      if (!replaces && !(request.l1 && tiers.l1) && !router.reaches(target.key)) {
        drops.tell('fill-failed', target.key)
        return { loading, value, write: undefined }
      }
      const fits = packedSize(form, payload) <= router.maxValueBytes(target.key)
      if (!fits) drops.tell('too-large', target.key)
      const write = fits ? this.#fillOf(loading, request, ms, 'value', payload, value, request.ttl) : undefined
      return { loading, value, write }
    }
    const refuse = (error: unknown): Prepared => {
      flight.reject(error)
      return { loading, value: undefined, write: undefined }
    }
    try {
      const tripped = this.#roundTrip(raw, target, form)
      return tripped instanceof Promise ? tripped.then(accept).catch(refuse) : accept(tripped)
    } catch (error) {
      return refuse(error)
    }
  }

  #fillOf(
    { target, flight }: Loading,
    { l1 }: LoadRequest,
    loadTime: number,
    kind: TierWrite['kind'],
    payload: Uint8Array,
    value: unknown,
    ttl: number,
  ): TierWrite {
    const valid = (): boolean => !flight.fenced
    return { target, kind, payload, value, ttl, loadTime, valid, l1: l1 ? 'always' : 'never' }
  }

  /** `undefined` when there is nothing to write. */
  #write(prepared: readonly Prepared[], { form, mode }: LoadRequest): Promise<void> | undefined {
    const { tiers, drops, nodeTimeout } = this.#context
    const writes: TierWrite[] = []
    for (const { loading, write } of prepared) {
      if (!write) continue
      if (loading.flight.fenced) drops.tell('overtaken', write.target.key)
      else writes.push(write)
    }
    if (writes.length === 0) return undefined
    // Where there was nothing usable, a fill that fails leaves nothing behind.
    return tiers.write(writes, form, nodeTimeout, mode === 'refresh').then((outcomes) => {
      for (const [i, { target }] of writes.entries()) {
        if (outcomes[i] !== 'stored') drops.tell('fill-failed', target.key)
      }
    })
  }

  async #bypass(keys: readonly LoadKey[], load: LoadFunction, { form, hardTimeout }: LoadRequest): Promise<unknown[]> {
    const names = keys.map(({ name }) => name)
    const { origin } = this.#context
    const loaded = await new Promise<readonly unknown[]>((resolve, reject) => {
      const listener = { failed: reject, givenUp: () => {} }
      origin.run(load, names, hardTimeout, listener).then((run) => resolve(run.loaded), reject)
    })
    return Promise.all(
      keys.map(async (target, i) => {
        const raw = loaded[i]
        return raw === undefined ? undefined : (await this.#roundTrip(raw, target, form)).value
      }),
    )
  }

  /**
   * A loaded value as the codec and the schema would give it back, so that a hit and a miss look alike. A promise only where
   * the schema is asynchronous.
   */
  #roundTrip(raw: unknown, { name }: LoadKey, form: Form): Tripped | Promise<Tripped> {
    const payload = encodeValue(form.codec, raw, name)
    const accept = (revived: Revived): Tripped => {
      if (revived.status === 'value') return { payload, value: revived.value }
      const why =
        revived.status === 'schema' ? `does not fit the schema: ${revived.problem}` : 'cannot be decoded again'
      throw new LoadError('ERR_LOADER_RESULT', `what was loaded for ${quote(name)} ${why}`)
    }
    const revived = roundTrip(form, raw, payload)
    return revived instanceof Promise ? revived.then(accept) : accept(revived)
  }
}

/** A value that has been through the codec. */
interface Tripped {
  readonly payload: Uint8Array
  readonly value: unknown
}

interface Prepared {
  readonly loading: Loading
  readonly value: unknown
  readonly write: TierWrite | undefined
}

const NOTHING = new Uint8Array(0)
