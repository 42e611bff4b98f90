import { waitFor } from '../base/caller.ts'
import type { Clock } from '../base/clock.ts'
import type { Deadlines } from '../base/deadlines.ts'
import type { Drops } from '../base/drops.ts'
import { LoadError, quote } from '../base/errors.ts'
import type { Router } from '../cluster/router.ts'
import { encodeValue } from '../entry/codec.ts'
import { packedSize, roundTrip, type Form } from '../entry/form.ts'
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
    const { flights, tiers, tally } = this.#context
    if (request.mode === 'bypass') return this.#bypass(keys, load, request)
    const own: Loading[] = []
    const values = keys.map((target) => {
      const { key } = target
      const entry = request.mode === 'use' && request.l1 ? tiers.l1?.get(key) : undefined
      if (entry) {
        tally.hit(key, 'l1')
        return entry.value
      }
      const running = request.mode === 'use' ? flights.get(key) : undefined
      if (running) {
        tally.loads.shared++
        return running.promise
      }
      const flight = flights.open(key)
      own.push({ flight, target })
      return flight.promise
    })
    if (own.length > 0) void this.#fly(own, load, request)
    return Promise.all(values)
  }

  async #fly(own: readonly Loading[], load: LoadFunction, request: LoadRequest): Promise<void> {
    const { clock, nodeTimeout, flights } = this.#context
    try {
      const start = clock.monotonic()
      const missing = request.mode === 'use' ? await this.#read(own, request) : own
      const left = nodeTimeout - (clock.monotonic() - start)
      if (missing.length > 0) await this.#fill(missing, load, request, left)
    } catch (error) {
      for (const { flight } of own) flight.reject(error)
    } finally {
      for (const { flight } of own) flights.done(flight)
    }
  }

  /** Settles the flights whose keys are cached; returns the others. */
  async #read(own: readonly Loading[], { form, reads, l1, strict }: LoadRequest): Promise<Loading[]> {
    const { tiers, tally, flights, nodeTimeout, clock } = this.#context
    const targets = own.map(({ target }) => target)
    const found = await tiers.read(targets, { form, reads, timeout: nodeTimeout, l1: l1 ? 'fill' : 'off' })
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
    const prepared = await Promise.all(missing.map((loading) => this.#prepare(loading, loaded, request, ms)))
    const filled = this.#write(prepared, request)
    if (left >= 1) await waitFor(filled, { signal: undefined, timeout: left }, deadlines, () => {})
    for (const { loading, value } of prepared) loading.flight.resolve(value)
    await filled
  }

  /** What one key's waiters get, and what is written for it. A value that cannot be cached rejects its own flight only. */
  async #prepare(
    loading: Loading,
    loaded: ReadonlyMap<string, unknown>,
    request: LoadRequest,
    ms: number,
  ): Promise<Prepared> {
    const { target, flight } = loading
    const { form, negativeTtl } = request
    const { router, drops } = this.#context
    const raw = loaded.get(target.name)
    const rest = {
      target,
      loadTime: ms,
      valid: (): boolean => !flight.fenced,
      l1: request.l1 ? 'always' : 'never',
    } as const
    if (raw === undefined) {
      const keep = negativeTtl !== undefined && form.format === 'envelope'
      const nothing = { kind: 'negative', payload: NOTHING, value: undefined, ttl: negativeTtl ?? 0 } as const
      return { loading, value: undefined, write: keep ? { ...rest, ...nothing } : undefined }
    }
    try {
      const { payload, value } = await this.#roundTrip(raw, target, form)
      const fits = packedSize(form, payload) <= router.maxValueBytes(target.key)
      if (!fits) drops.tell('too-large', target.key)
      const write = fits ? { ...rest, kind: 'value' as const, payload, value, ttl: request.ttl } : undefined
      return { loading, value, write }
    } catch (error) {
      flight.reject(error)
      return { loading, value: undefined, write: undefined }
    }
  }

  async #write(prepared: readonly Prepared[], { form, mode }: LoadRequest): Promise<void> {
    const { tiers, drops, nodeTimeout } = this.#context
    const writes: TierWrite[] = []
    for (const { loading, write } of prepared) {
      if (!write) continue
      if (loading.flight.fenced) drops.tell('overtaken', write.target.key)
      else writes.push(write)
    }
    if (writes.length === 0) return
    // Where there was nothing usable, a fill that fails leaves nothing behind.
    const outcomes = await tiers.write(writes, form, nodeTimeout, mode === 'refresh')
    for (const [i, { target }] of writes.entries()) {
      if (outcomes[i] !== 'stored') drops.tell('fill-failed', target.key)
    }
  }

  async #bypass(keys: readonly LoadKey[], load: LoadFunction, { form, hardTimeout }: LoadRequest): Promise<unknown[]> {
    const names = keys.map(({ name }) => name)
    const { origin } = this.#context
    const loaded = await new Promise<Map<string, unknown>>((resolve, reject) => {
      const listener = { failed: reject, givenUp: () => {} }
      origin.run(load, names, hardTimeout, listener).then((run) => resolve(run.loaded), reject)
    })
    return Promise.all(
      keys.map(async (target) => {
        const raw = loaded.get(target.name)
        return raw === undefined ? undefined : (await this.#roundTrip(raw, target, form)).value
      }),
    )
  }

  /** A loaded value as the codec and the schema would give it back, so that a hit and a miss look alike. */
  async #roundTrip(raw: unknown, { name }: LoadKey, form: Form): Promise<{ payload: Uint8Array; value: unknown }> {
    const payload = encodeValue(form.codec, raw, name)
    const revived = await roundTrip(form, raw, payload)
    if (revived.status === 'value') return { payload, value: revived.value }
    const why = revived.status === 'schema' ? `does not fit the schema: ${revived.problem}` : 'cannot be decoded again'
    throw new LoadError('ERR_LOADER_RESULT', `what was loaded for ${quote(name)} ${why}`)
  }
}

interface Prepared {
  readonly loading: Loading
  readonly value: unknown
  readonly write: TierWrite | undefined
}

const NOTHING = new Uint8Array(0)
