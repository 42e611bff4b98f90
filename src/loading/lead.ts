import { MAX_TIMER } from '../base/clock.ts'
import { LoadError, quote } from '../base/errors.ts'
import type { Found } from '../tier/found.ts'
import type { Leased, Wanted } from '../tier/leases.ts'
import { Fill, type FillContext } from './fill.ts'
import type { Flight } from './flight.ts'
import type { LoadFunction, Origin } from './origin.ts'
import type { LoadRequest } from './request.ts'

/** What {@link Lead} is made of. */
export interface LeadContext extends FillContext {
  readonly origin: Origin
}

/** The pauses between two looks at a key that somebody else loads, in milliseconds; each half as long again. */
const FIRST_PAUSE = 10
const LAST_PAUSE = 50
/**
 * How often a lease is tried on a key whose entry changes each time, before its load goes without. In races for one key one
 * attempt in ten finds a change; a load without a lease is one that others share although nothing shows what overtook it.
 */
const ATTEMPTS = 16
/** How many of those one counts as that found no change: what is there cannot be replaced, unless it is being removed. */
const VAIN = 4

/**
 * How flights whose keys have to be loaded come to their load: those that get the lease of their key begin, all together;
 * those whose lease somebody else holds wait until a value appears, or the lease ends and they get it.
 */
export class Lead {
  readonly #context: LeadContext
  readonly #load: LoadFunction
  readonly #request: LoadRequest
  /** Settles a flight for which something was found after all; says whether it could. */
  readonly #settle: (flight: Flight, found: Found, request: LoadRequest) => boolean
  readonly #since: number

  constructor(
    context: LeadContext,
    load: LoadFunction,
    request: LoadRequest,
    settle: (flight: Flight, found: Found, request: LoadRequest) => boolean,
    now: number,
  ) {
    this.#context = context
    this.#load = load
    this.#request = request
    this.#settle = settle
    this.#since = now
  }

  /** @param end until when the nodes may keep those who wait (monotonic) */
  begin(flights: readonly Flight[], end: number): void {
    const { softTimeout } = this.#request.policy
    const patient = softTimeout === undefined ? [] : flights.filter(({ fallback }) => fallback)
    if (patient.length > 0) {
      // The load goes on, and is cached when it is done.
      const serve = (): void => {
        for (const flight of patient) flight.serveFallback()
      }
      this.#context.clock.setTimer(serve, Math.min(MAX_TIMER, softTimeout as number))
    }
    this.#lease(flights, this.#since, end, ATTEMPTS, FIRST_PAUSE)
  }

  #lease(flights: readonly Flight[], now: number, end: number, attempts: number, pause: number): void {
    if (attempts > 0 && end - now >= 1) this.#take(flights, now, end, attempts, pause)
    else this.#begin(flights, now, end)
  }

  #take(flights: readonly Flight[], now: number, end: number, attempts: number, pause: number): void {
    const { leases } = this.#context.tiers
    const { form, policy } = this.#request
    const wanted = flights.filter(({ target }) => leases.available(target, form))
    if (wanted.length === 0) {
      this.#begin(flights, now, end)
      return
    }
    const failed = (error: unknown): void => this.#failAll(flights, error)
    if (flights.length === 1) {
      const taken = (leased: Leased): void => this.#taken(wanted, [leased], [], end, attempts, pause)
      leases.takeOne(this.#want(wanted[0] as Flight), form, policy.lease, end - now, { taken, failed })
      return
    }
    const rest = flights.filter((flight) => !wanted.includes(flight))
    const requests = wanted.map((flight) => this.#want(flight))
    leases
      .take(requests, form, policy.lease, end - now)
      .then((outcomes) => this.#taken(wanted, outcomes, rest, end, attempts, pause), failed)
  }

  #want(flight: Flight): Wanted {
    const { tiers, router } = this.#context
    const { target, takesOver, seen } = flight
    const token = tiers.leases.newToken()
    flight.token = token
    // Until the reply says otherwise: a change of the nodes gives back what may have been taken.
    flight.held = { key: target.stored, token, shard: router.shardOf(target) }
    return { target, seen: this.#request.mode === 'refresh' || takesOver ? 'any' : seen, token }
  }

  #taken(
    wanted: readonly Flight[],
    outcomes: readonly Leased[],
    rest: readonly Flight[],
    end: number,
    attempts: number,
    pause: number,
  ): void {
    const ready = [...rest]
    const again: Flight[] = []
    const vain: Flight[] = []
    const waiting: Flight[] = []
    let until = Infinity
    for (const [i, flight] of wanted.entries()) {
      const leased = outcomes[i] as Leased
      if (leased.status === 'won') {
        flight.held = leased.held
        ready.push(flight)
        continue
      }
      // A reply that was lost to the deadline may have been a lease.
      const maybe = leased.status === 'failed' && leased.error.code === 'ERR_NODE_TIMEOUT'
      if (maybe) flight.held = leased.held
      else flight.token = flight.held = undefined
      if (leased.status === 'failed') ready.push(flight)
      else if (leased.status === 'held') {
        // A flight of ours that was voided, and whose node could not be told any more, fills nothing.
        flight.takesOver = leased.own && !this.#context.flights.holds(flight.target.key)
        if (flight.takesOver) again.push(flight)
        else {
          waiting.push(flight)
          until = Math.min(until, leased.until ?? Infinity)
        }
      } else {
        const { seen } = flight
        if (this.#settle(flight, leased.found, this.#request)) continue
        if (seen && flight.seen && Buffer.compare(seen, flight.seen) === 0) vain.push(flight)
        else again.push(flight)
      }
    }
    const now = this.#context.clock.monotonic()
    // What was won is loaded before anybody waits for others.
    if (ready.length > 0) this.#begin(ready, now, end)
    if (again.length > 0) this.#lease(again, now, end, attempts - 1, pause)
    if (vain.length > 0) this.#lease(vain, now, end, attempts - VAIN, pause)
    if (waiting.length > 0) this.#wait(waiting, now, pause, until)
  }

  /** @param until when the first of their leases ends (wall clock) */
  #wait(flights: readonly Flight[], now: number, pause: number, until: number): void {
    const { clock, deadlines, random, flights: open, nodeTimeout } = this.#context
    const { hardTimeout } = this.#request.policy
    for (const flight of flights) flight.began ??= now
    // Somebody loads them: that is all that those in the background are for.
    const waiting = flights.filter((flight) => {
      if (flight.background) {
        open.done(flight)
        flight.resolve(undefined)
      }
      return !flight.background
    })
    if (waiting.length === 0) return
    const waited = now - this.#since
    if (waited >= hardTimeout) {
      for (const flight of waiting) {
        const what = quote(flight.target.name)
        const error = `the load of ${what} by another process took longer than ${hardTimeout} ms`
        open.fail(flight, new LoadError('ERR_LOAD_TIMEOUT', error))
      }
      return
    }
    const left = until - clock.now()
    // The end of a lease is worth a look, if its holder's clock can be believed.
    const next = left > 0 ? Math.min(left + 1, pause * (0.5 + random() / 2)) : pause * (0.5 + random() / 2)
    const ms = Math.min(next, hardTimeout - waited)
    deadlines.set(ms, () => {
      const then = clock.monotonic()
      this.#lease(waiting, then, then + nodeTimeout, ATTEMPTS, Math.min(LAST_PAUSE, pause * 1.5))
    })
  }

  #begin(flights: readonly Flight[], now: number, end: number): void {
    beginLoad(this.#context, this.#load, this.#request, flights, now, end)
  }

  #failAll(flights: readonly Flight[], error: unknown): void {
    for (const flight of flights) this.#context.flights.fail(flight, error)
  }
}

/** Has flights loaded that have their leases, or go without. The parameters are those of {@link Lead}. */
export function beginLoad(
  context: LeadContext,
  load: LoadFunction,
  request: LoadRequest,
  flights: readonly Flight[],
  now: number,
  end: number,
): void {
  for (let i = 0; i < flights.length; i++) (flights[i] as Flight).began ??= now
  const only = flights.length === 1 ? flights[0] : undefined
  const names = only ? [only.target.name] : flights.map(({ target }) => target.name)
  const stale = only?.stale
  const fill = new Fill(context, flights, request, end)
  context.origin.run(load, names, request.policy.hardTimeout, fill, now, stale)
}
