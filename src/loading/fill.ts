import { waitFor } from '../base/caller.ts'
import { MAX_TIMER, type Clock, type Timer } from '../base/clock.ts'
import type { Deadlines } from '../base/deadlines.ts'
import type { Drops } from '../base/drops.ts'
import { isCacheError } from '../base/errors.ts'
import type { Router } from '../cluster/router.ts'
import { packedSize } from '../entry/form.ts'
import type { Held } from '../tier/leases.ts'
import type { TierWrite, Tiers } from '../tier/tiers.ts'
import type { Cooldown } from './cooldown.ts'
import type { Flight, Flights } from './flight.ts'
import type { OriginListener, OriginRun } from './origin.ts'
import { spread, windowOf } from './policy.ts'
import type { LoadRequest } from './request.ts'
import { trip, type Tripped } from './trip.ts'

/** What {@link Fill} is made of. */
export interface FillContext {
  readonly tiers: Tiers
  readonly router: Router
  readonly flights: Flights
  readonly drops: Drops
  readonly cooldown: Cooldown
  readonly clock: Clock
  readonly deadlines: Deadlines
  /** Milliseconds. */
  readonly nodeTimeout: number
  random(): number
}

interface Prepared {
  readonly flight: Flight
  readonly value: unknown
  readonly write: TierWrite | undefined
}

const NOTHING = new Uint8Array(0)

/**
 * What becomes of one call of a loader: its leases are renewed while it runs, its values written to their nodes under them,
 * and the flights of its keys settled.
 */
export class Fill implements OriginListener {
  readonly #context: FillContext
  readonly #flights: readonly Flight[]
  readonly #request: LoadRequest
  readonly #end: number
  #renewal: Timer | undefined

  /** @param end until when those who wait also wait for the nodes to take what was loaded (monotonic) */
  constructor(context: FillContext, flights: readonly Flight[], request: LoadRequest, end: number) {
    this.#context = context
    this.#flights = flights
    this.#request = request
    this.#end = end
    if (flights.some(({ token }) => token)) this.#renewLater()
  }

  loaded(values: readonly unknown[], ms: number, run: OriginRun): void {
    this.#stop()
    const now = this.#context.clock.monotonic()
    for (const flight of this.#flights) flight.ended = now
    const prepared = this.#flights.map((flight, i) => this.#prepare(flight, values[i], ms, run))
    if (prepared.some((one) => one instanceof Promise)) {
      void Promise.all(prepared.map(async (one) => one)).then((all) => this.#finish(all))
    } else this.#finish(prepared as Prepared[])
  }

  failed(error: Error): void {
    this.#stop()
    this.#release(this.#flights)
    // One that found no place never began: it says nothing about its keys.
    if (!isCacheError(error, 'ERR_LOAD_BUSY')) this.#coolDown(error)
    for (const flight of this.#flights) this.#context.flights.fail(flight, error)
  }

  /** Flights stay open and leases go on, so that no other load begins: those who come meanwhile share the error. */
  ended(error: Error): void {
    this.#coolDown(error)
    for (const flight of this.#flights) flight.fail(error)
  }

  givenUp(): void {
    this.#stop()
    this.#release(this.#flights)
    for (const flight of this.#flights) {
      flight.fenced = true
      this.#context.flights.done(flight)
    }
  }

  #coolDown(error: Error): void {
    const { retryAfterError } = this.#request.policy
    if (retryAfterError === undefined) return
    for (const { target } of this.#flights) this.#context.cooldown.add(target.key, error, retryAfterError)
  }

  #finish(prepared: readonly Prepared[]): void {
    const { deadlines, clock, flights } = this.#context
    this.#release(prepared.flatMap(({ flight, write }) => (write && !flight.fenced ? [] : [flight])))
    const writing = this.#write(prepared)
    if (writing === undefined) {
      this.#settle(prepared, true)
      return
    }
    let written = false
    const all = writing.then(
      () => {
        written = true
        for (const flight of this.#flights) flights.done(flight)
      },
      // L1 was given a function that throws.
      (error: unknown) => {
        for (const flight of this.#flights) flights.fail(flight, error)
      },
    )
    for (const flight of this.#flights) flight.written = all
    const left = this.#end - clock.monotonic()
    // Who asks while the node still takes its time gets what was loaded; who asks after that reads the node.
    if (left < 1) this.#settle(prepared, false)
    else {
      const patience = { signal: undefined, timeout: left }
      void waitFor(all, patience, deadlines, () => {}).then(() => this.#settle(prepared, written))
    }
  }

  #settle(prepared: readonly Prepared[], done: boolean): void {
    for (const { flight, value } of prepared) {
      if (done) this.#context.flights.done(flight)
      flight.resolve(value)
    }
  }

  /** What one key's waiters get, and what is written for it. A value that cannot be cached rejects its own flight only. */
  #prepare(flight: Flight, raw: unknown, ms: number, run: OriginRun): Prepared | Promise<Prepared> {
    const { form, policy, mode } = this.#request
    this.#context.cooldown.delete(flight.target.key)
    if (raw === undefined) {
      // A value that is there must not be served any more: one that is out of date, or that was to be replaced.
      const replaces = flight.seen !== undefined || mode === 'refresh'
      const ttl = policy.negativeTtl ?? (replaces ? 1 : undefined)
      const keep = ttl !== undefined && form.format === 'envelope' && !run.skipped
      const write = keep ? this.#writeOf(flight, ms, 'negative', NOTHING, undefined, ttl, 0) : undefined
      return { flight, value: undefined, write }
    }
    const refuse = (error: unknown): Prepared => {
      flight.fallback = undefined
      flight.fail(error)
      return { flight, value: undefined, write: undefined }
    }
    try {
      const tripped = trip(raw, flight.target.name, form)
      if (!(tripped instanceof Promise)) return this.#accept(flight, tripped, ms, run)
      return tripped.then((one) => this.#accept(flight, one, ms, run)).catch(refuse)
    } catch (error) {
      return refuse(error)
    }
  }

  #accept(flight: Flight, { payload, value }: Tripped, ms: number, run: OriginRun): Prepared {
    const { router, drops, tiers, random } = this.#context
    const { form, l1, mode, policy } = this.#request
    const { key } = flight.target
    if (run.skipped) return { flight, value, write: undefined }
    if (mode !== 'refresh' && !(l1 && tiers.l1) && !tiers.takesFill(key, form, flight.token)) {
      drops.tell('fill-failed', key)
      return { flight, value, write: undefined }
    }
    if (packedSize(form, payload) > router.shardOf(key).maxValueBytes) {
      drops.tell('too-large', key)
      return { flight, value, write: undefined }
    }
    const ttl = spread(run.ttl ?? policy.ttl, policy, random)
    return { flight, value, write: this.#writeOf(flight, ms, 'value', payload, value, ttl, windowOf(policy)) }
  }

  #writeOf(
    flight: Flight,
    loadTime: number,
    kind: TierWrite['kind'],
    payload: Uint8Array,
    value: unknown,
    ttl: number,
    window: number,
  ): TierWrite {
    const { target, token } = flight
    const valid = (): boolean => !flight.fenced
    const l1 = this.#request.l1 ? 'always' : 'never'
    return { target, kind, payload, value, ttl, window, token, loadTime, valid, l1 }
  }

  /** `undefined` when there is nothing to write. */
  #write(prepared: readonly Prepared[]): Promise<void> | undefined {
    const { tiers, drops, nodeTimeout } = this.#context
    const { form, mode } = this.#request
    const writes: TierWrite[] = []
    const written: Flight[] = []
    for (const { flight, write } of prepared) {
      if (!write) continue
      if (flight.fenced) drops.tell('overtaken', write.target.key)
      else {
        writes.push(write)
        written.push(flight)
      }
    }
    if (writes.length === 0) return undefined
    // Where there was nothing usable, a fill that fails leaves nothing behind.
    return tiers.write(writes, form, nodeTimeout, mode === 'refresh').then((outcomes) => {
      for (const [i, { target }] of writes.entries()) {
        if (outcomes[i] === 'lost') {
          ;(written[i] as Flight).overtaken = true
          drops.tell('overtaken', target.key)
        } else if (outcomes[i] !== 'stored') drops.tell('fill-failed', target.key)
      }
    })
  }

  #renewLater(): void {
    const { clock, tiers, nodeTimeout } = this.#context
    const { lease } = this.#request.policy
    this.#renewal = clock.setTimer(
      () => {
        // Those that were overtaken have lost theirs; with the cache closed, all have.
        const renewed = held(this.#flights.filter(({ fenced }) => !fenced))
        if (renewed.length === 0) return
        void tiers.leases.renew(renewed, lease, nodeTimeout)
        this.#renewLater()
      },
      Math.min(MAX_TIMER, Math.max(1, Math.floor(lease / 3))),
    )
  }

  #release(flights: readonly Flight[]): void {
    const { tiers, nodeTimeout } = this.#context
    const given = held(flights)
    for (const flight of flights) flight.token = flight.held = undefined
    if (given.length > 0) void tiers.leases.release(given, nodeTimeout)
  }

  #stop(): void {
    this.#renewal?.cancel()
  }
}

function held(flights: readonly Flight[]): Held[] {
  return flights.flatMap((flight) => flight.held ?? [])
}
