import { waitFor, type Settler } from '../base/caller.ts'
import type { Clock } from '../base/clock.ts'
import type { Deadlines } from '../base/deadlines.ts'
import type { Entry } from '../entry/form.ts'
import type { TierRead } from '../tier/tiers.ts'
import type { Flight } from './flight.ts'
import { judge } from './freshness.ts'
import type { LoadFunction } from './origin.ts'
import type { LoadKey, LoadRequest } from './request.ts'

/** What somebody asks. */
export interface Call {
  readonly load: LoadFunction
  readonly request: LoadRequest
  /** From when on the nodes have kept it waiting (monotonic). */
  readonly since: number
  /** Whether it asks once more: its first time was counted. */
  readonly again: boolean
  /** What the load that it shared failed with: it only asks what may be served instead. */
  readonly failure: { readonly error: unknown } | undefined
}

/** What {@link Joiner} is made of. */
export interface JoinContext {
  readonly clock: Clock
  readonly deadlines: Deadlines
  /** Milliseconds. */
  readonly nodeTimeout: number
  random(): number
}

/** Asks for a key once more; `how` says how its nodes are read, `undefined` for not at all. May throw. */
export type AskAgain = (target: LoadKey, call: Call, how: TierRead | undefined) => Promise<unknown>

/**
 * One who shares a flight. What that comes to may be older than a change that this caller knows of, and the flight's first
 * one did not: then this caller asks again, in the time that is left to it.
 */
export class Joiner implements Settler {
  readonly #context: JoinContext
  readonly #askAgain: AskAgain
  readonly #flight: Flight
  readonly #call: Call
  readonly #settler: Settler
  readonly #fallback: Entry | undefined
  readonly #leased: boolean

  /** @param fallback what this caller read itself, to be served if the load fails */
  constructor(
    context: JoinContext,
    askAgain: AskAgain,
    flight: Flight,
    call: Call,
    settler: Settler,
    fallback: Entry | undefined,
  ) {
    this.#context = context
    this.#askAgain = askAgain
    this.#flight = flight
    this.#call = call
    this.#settler = settler
    this.#fallback = fallback
    this.#leased = flight.token !== undefined
  }

  resolve(value: unknown): void {
    if (this.#flight.outcome === 'fallback') {
      // The flight's own was read before this caller came.
      if (!this.#serveFallback()) this.#again()
    } else if (this.#leased) this.#confirm(value)
    // Without a lease, nothing shows.
    else this.#settler.resolve(value)
  }

  reject(error: unknown): void {
    if (!this.#serveFallback()) this.#settler.reject(error)
  }

  #serveFallback(): boolean {
    const { clock, random } = this.#context
    const entry = this.#fallback
    if (!entry || judge(entry, clock.now(), random, this.#call.request.policy) === 'expired') return false
    this.#settler.resolve(entry.value)
    return true
  }

  /** What the flight came to, once its node has taken it, unless the node knows of something newer. */
  #confirm(value: unknown): void {
    const { clock, deadlines, nodeTimeout } = this.#context
    const { written } = this.#flight
    const check = (): void => {
      if (this.#flight.sure) this.#settler.resolve(value)
      else this.#again()
    }
    const left = nodeTimeout - this.#flight.spent(this.#call.since, clock.monotonic())
    if (!written || left < 1) check()
    else void waitFor(written, { signal: undefined, timeout: left }, deadlines, () => {}).then(check)
  }

  #again(): void {
    const { clock, nodeTimeout } = this.#context
    const { target, failure } = this.#flight
    const now = clock.monotonic()
    const spent = this.#flight.spent(this.#call.since, now)
    const left = nodeTimeout - spent
    // Whose time with the nodes is over goes on without them.
    const how = left < 1 ? undefined : { ...this.#call.request.read, timeout: left }
    try {
      this.#settler.resolve(this.#askAgain(target, { ...this.#call, since: now - spent, again: true, failure }, how))
    } catch (error) {
      this.#settler.reject(error)
    }
  }
}
