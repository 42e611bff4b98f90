import type { Clock } from '../base/clock.ts'
import type { Deadline, Deadlines } from '../base/deadlines.ts'
import type { Drops } from '../base/drops.ts'
import { isCacheError } from '../base/errors.ts'
import type { Router } from '../cluster/router.ts'
import { packedBeyond } from '../entry/form.ts'
import type { Payload } from '../entry/payload.ts'
import type { Stored } from '../shard/outcomes.ts'
import type { Held } from '../tier/leases.ts'
import type { TierWrite } from '../tier/asked.ts'
import type { Tiers } from '../tier/tiers.ts'
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
  #renewal: Deadline | undefined
  /** When those who wait go without the nodes. */
  #patience: Deadline | undefined

  /** @param end until when those who wait also wait for the nodes to take what was loaded (monotonic) */
  constructor(context: FillContext, flights: readonly Flight[], request: LoadRequest, end: number) {
    this.#context = context
    this.#flights = flights
    this.#request = request
    this.#end = end
    for (let i = 0; i < flights.length; i++) {
      if (!(flights[i] as Flight).token) continue
      this.#renewLater()
      break
    }
  }

  loaded(values: readonly unknown[], began: number, ms: number, run: OriginRun): void {
    this.#stop()
    let pending: Promise<void>[] | undefined
    for (let i = 0; i < this.#flights.length; i++) {
      const flight = this.#flights[i] as Flight
      flight.ended = began + ms
      const preparing = this.#prepare(flight, values[i], ms, run)
      if (preparing) (pending ??= []).push(preparing)
    }
    if (pending) void Promise.all(pending).then(() => this.#finish())
    else this.#finish()
  }

  failed(error: Error): void {
    this.#stop()
    this.#release(ALL)
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
    this.#release(ALL)
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

  #finish(): void {
    this.#release(UNWRITTEN)
    this.#fillOrSettle(this.#fillable())
  }

  /** One way for both, so that V8 has seen all of it when nodes fail for the first time. */
  #fillOrSettle(filled: readonly Flight[] | undefined): void {
    if (!filled) {
      this.#settle(true)
      return
    }
    const { clock, deadlines } = this.#context
    for (const flight of this.#flights) flight.fillBegins()
    const left = this.#end - clock.monotonic()
    // Who asks while the node still takes its time gets what was loaded; who asks after that reads the node.
    if (left < 1) this.#settle(false)
    else this.#patience = deadlines.set(left, () => this.#settle(false))
    this.#write(filled)
  }

  /** What was loaded has been written, or was not. */
  #filled(): void {
    this.#patience?.cancel()
    for (const flight of this.#flights) flight.fillEnds()
    this.#fillOrSettle(undefined)
  }

  #unfilled(error: unknown): void {
    this.#patience?.cancel()
    for (const flight of this.#flights) {
      flight.fillEnds()
      this.#context.flights.fail(flight, error)
    }
  }

  #settle(done: boolean): void {
    for (let i = 0; i < this.#flights.length; i++) {
      const flight = this.#flights[i] as Flight
      if (done) this.#context.flights.done(flight)
      flight.resolve(flight.value)
    }
  }

  /**
   * Notes with the flight what its waiters get, and what is written for it. A value that cannot be cached rejects its own
   * flight only.
   */
  #prepare(flight: Flight, raw: unknown, ms: number, run: OriginRun): Promise<void> | undefined {
    const { form, policy, mode } = this.#request
    this.#context.cooldown.delete(flight.target.key)
    if (raw === undefined) {
      // A value that is there must not be served any more: one that is out of date, or that was to be replaced.
      const replaces = flight.seen !== undefined || mode === 'refresh'
      const ttl = policy.negativeTtl ?? (replaces ? 1 : undefined)
      const keep = ttl !== undefined && form.format === 'envelope' && !run.skipped
      if (keep) flight.write = this.#writeOf(flight, ms, 'negative', NOTHING, undefined, ttl, 0)
      return undefined
    }
    try {
      const tripped = trip(raw, flight.target.name, form)
      if (tripped instanceof Promise) {
        return tripped
          .then((one) => this.#accept(flight, one, ms, run))
          .catch((error: unknown) => refuse(flight, error))
      }
      this.#accept(flight, tripped, ms, run)
    } catch (error) {
      refuse(flight, error)
    }
    return undefined
  }

  #accept(flight: Flight, tripped: Tripped, ms: number, run: OriginRun): void {
    const { router, drops, tiers, random } = this.#context
    const { form, l1, mode, policy } = this.#request
    const { target } = flight
    flight.value = tripped.value
    if (run.skipped) return
    const useless = mode !== 'refresh' && !(l1 && tiers.l1) && !tiers.takesFill(target, form, flight.token)
    drops.tellIf(useless, 'fill-failed', target.key)
    if (useless) return
    const { payload } = tripped
    if (packedBeyond(form, payload, router.shardOf(target).maxValueBytes) !== undefined) {
      drops.tell('too-large', target.key)
      return
    }
    const ttl = spread(run.ttl ?? policy.ttl, policy, random)
    flight.write = this.#writeOf(flight, ms, 'value', payload, tripped.value, ttl, windowOf(policy))
  }

  #writeOf(
    flight: Flight,
    loadTime: number,
    kind: TierWrite['kind'],
    payload: Payload,
    value: unknown,
    ttl: number,
    window: number,
  ): TierWrite {
    const { target, token } = flight
    const valid = (): boolean => !flight.fenced
    const l1 = this.#request.l1 ? 'always' : 'never'
    return { target, kind, payload, value, ttl, window, token, loadTime, valid, l1 }
  }

  /** The flights of which something is written; `undefined` when there is none. */
  #fillable(): Flight[] | undefined {
    let filled: Flight[] | undefined
    for (let i = 0; i < this.#flights.length; i++) {
      const flight = this.#flights[i] as Flight
      if (!flight.write) continue
      if (flight.fenced) this.#context.drops.tell('overtaken', flight.target.key)
      else if (filled) filled.push(flight)
      else filled = [flight]
    }
    return filled
  }

  /** Where there was nothing usable, a fill that fails leaves nothing behind. */
  #write(filled: readonly Flight[]): void {
    const { tiers, nodeTimeout } = this.#context
    const { form, mode } = this.#request
    const writes = filled.map(({ write }) => write as TierWrite)
    const replaces = mode === 'refresh'
    const failed = (error: unknown): void => this.#unfilled(error)
    if (writes.length === 1) {
      const written = (outcome: Stored): void => this.#written(filled, [outcome])
      tiers.writeOne(writes[0] as TierWrite, form, nodeTimeout, replaces, { written, failed })
    } else tiers.write(writes, form, nodeTimeout, replaces).then((outcomes) => this.#written(filled, outcomes), failed)
  }

  #written(filled: readonly Flight[], outcomes: readonly Stored[]): void {
    const { drops } = this.#context
    for (let i = 0; i < filled.length; i++) {
      const flight = filled[i] as Flight
      if (outcomes[i] === 'lost') {
        flight.overtaken = true
        drops.tell('overtaken', flight.target.key)
      } else if (outcomes[i] !== 'stored') drops.tell('fill-failed', flight.target.key)
    }
    this.#filled()
  }

  #renewLater(): void {
    const { deadlines, tiers, nodeTimeout } = this.#context
    const { lease } = this.#request.policy
    this.#renewal = deadlines.set(Math.max(1, Math.floor(lease / 3)), () => {
      // Those that were overtaken have lost theirs; with the cache closed, all have.
      const renewed = this.#flights.flatMap(({ fenced, held }) => (fenced || !held ? [] : held))
      if (renewed.length === 0) return
      void tiers.leases.renew(renewed, lease, nodeTimeout)
      this.#renewLater()
    })
  }

  /** Gives back the leases of those flights that need theirs no more. */
  #release(of: (flight: Flight) => boolean): void {
    const { tiers, nodeTimeout } = this.#context
    let given: Held[] | undefined
    for (let i = 0; i < this.#flights.length; i++) {
      const flight = this.#flights[i] as Flight
      const { held } = flight
      if (!held || !of(flight)) continue
      ;(given ??= []).push(held)
      flight.token = flight.held = undefined
    }
    if (given) void tiers.leases.release(given, nodeTimeout)
  }

  #stop(): void {
    this.#renewal?.cancel()
  }
}

const ALL = (): boolean => true
const UNWRITTEN = ({ write, fenced }: Flight): boolean => !write || fenced

function refuse(flight: Flight, error: unknown): void {
  flight.fallback = undefined
  flight.fail(error)
}
