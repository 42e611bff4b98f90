import { waitFor } from '../base/caller.ts'
import type { Clock } from '../base/clock.ts'
import type { Deadlines } from '../base/deadlines.ts'
import type { Drops } from '../base/drops.ts'
import type { Router } from '../cluster/router.ts'
import { packedSize } from '../entry/form.ts'
import type { TierWrite, Tiers } from '../tier/tiers.ts'
import type { Flight, Flights } from './flight.ts'
import type { OriginListener } from './origin.ts'
import type { LoadRequest } from './request.ts'
import { trip, type Tripped } from './trip.ts'

/** What {@link Fill} is made of. */
export interface FillContext {
  readonly tiers: Tiers
  readonly router: Router
  readonly flights: Flights
  readonly drops: Drops
  readonly clock: Clock
  readonly deadlines: Deadlines
  /** Milliseconds. */
  readonly nodeTimeout: number
}

interface Prepared {
  readonly flight: Flight
  readonly value: unknown
  readonly write: TierWrite | undefined
}

const NOTHING = new Uint8Array(0)

/** What becomes of one call of a loader: its values are written to their nodes, and the flights of its keys settled. */
export class Fill implements OriginListener {
  readonly #context: FillContext
  readonly #flights: readonly Flight[]
  readonly #request: LoadRequest
  readonly #end: number

  /** @param end until when those who wait also wait for the nodes to take what was loaded (monotonic) */
  constructor(context: FillContext, flights: readonly Flight[], request: LoadRequest, end: number) {
    this.#context = context
    this.#flights = flights
    this.#request = request
    this.#end = end
  }

  loaded(values: readonly unknown[], ms: number): void {
    const prepared = this.#flights.map((flight, i) => this.#prepare(flight, values[i], ms))
    if (prepared.some((one) => one instanceof Promise))
      void Promise.all(prepared.map(async (one) => one)).then((all) => this.#finish(all))
    else this.#finish(prepared as Prepared[])
  }

  failed(error: Error): void {
    for (const flight of this.#flights) this.#context.flights.fail(flight, error)
  }

  /** The flights stay open, so that no other load begins: those who come meanwhile share the error. */
  ended(error: Error): void {
    for (const flight of this.#flights) flight.reject(error)
  }

  givenUp(): void {
    for (const flight of this.#flights) {
      flight.fenced = true
      this.#context.flights.done(flight)
    }
  }

  #finish(prepared: readonly Prepared[]): void {
    const { deadlines, clock } = this.#context
    const writing = this.#write(prepared)
    if (writing === undefined) {
      this.#settle(prepared, true)
      return
    }
    let written = false
    const all = writing.then(
      () => {
        written = true
        for (const flight of this.#flights) this.#context.flights.done(flight)
      },
      // L1 was given a function that throws.
      (error: unknown) => this.failed(error as Error),
    )
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
  #prepare(flight: Flight, raw: unknown, ms: number): Prepared | Promise<Prepared> {
    const { form, negativeTtl } = this.#request
    if (raw === undefined) {
      const keep = negativeTtl !== undefined && form.format === 'envelope'
      const write = keep ? this.#writeOf(flight, ms, 'negative', NOTHING, undefined, negativeTtl) : undefined
      return { flight, value: undefined, write }
    }
    try {
      const tripped = trip(raw, flight.target.name, form)
      if (!(tripped instanceof Promise)) return this.#accept(flight, tripped, ms)
      return tripped.then((one) => this.#accept(flight, one, ms)).catch((error: unknown) => refuse(flight, error))
    } catch (error) {
      return refuse(flight, error)
    }
  }

  #accept(flight: Flight, { payload, value }: Tripped, ms: number): Prepared {
    const { router, drops, tiers } = this.#context
    const { form, l1, mode, ttl } = this.#request
    const { key } = flight.target
    if (mode !== 'refresh' && !(l1 && tiers.l1) && !router.reaches(key)) {
      drops.tell('fill-failed', key)
      return { flight, value, write: undefined }
    }
    if (packedSize(form, payload) > router.maxValueBytes(key)) {
      drops.tell('too-large', key)
      return { flight, value, write: undefined }
    }
    return { flight, value, write: this.#writeOf(flight, ms, 'value', payload, value, ttl) }
  }

  #writeOf(
    flight: Flight,
    loadTime: number,
    kind: TierWrite['kind'],
    payload: Uint8Array,
    value: unknown,
    ttl: number,
  ): TierWrite {
    const valid = (): boolean => !flight.fenced
    return {
      target: flight.target,
      kind,
      payload,
      value,
      ttl,
      loadTime,
      valid,
      l1: this.#request.l1 ? 'always' : 'never',
    }
  }

  /** `undefined` when there is nothing to write. */
  #write(prepared: readonly Prepared[]): Promise<void> | undefined {
    const { tiers, drops, nodeTimeout } = this.#context
    const { form, mode } = this.#request
    const writes: TierWrite[] = []
    for (const { flight, write } of prepared) {
      if (!write) continue
      if (flight.fenced) drops.tell('overtaken', write.target.key)
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
}

function refuse(flight: Flight, error: unknown): Prepared {
  flight.reject(error)
  return { flight, value: undefined, write: undefined }
}
