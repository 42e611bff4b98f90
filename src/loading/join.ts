import { waitFor, type Settler } from '../base/caller.ts'
import type { Clock } from '../base/clock.ts'
import type { Deadlines } from '../base/deadlines.ts'
import type { Entry } from '../entry/entry.ts'
import type { TierRead } from '../tier/asked.ts'
import type { Flight } from './flight.ts'
import { judge } from './freshness.ts'
import type { LoadFunction } from './origin.ts'
import type { LoadKey, LoadRequest } from './request.ts'

/** What somebody asks. */
export interface Call {
  readonly load: LoadFunction
  readonly request: LoadRequest
  /** When it came (monotonic). */
  readonly since: number
  /** For how long since then loads have kept it waiting, and not the nodes, in milliseconds. */
  readonly loading: number
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
 * one did not: then this caller asks again, in the time that is left to it. Once is enough: the next load begins later than
 * it came.
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
    const { outcome, began } = this.#flight
    if (outcome === 'fallback') {
      // The flight's own was read before this caller came.
      if (!this.#serveFallback()) this.#again()
    } else if (!this.#leased || (began !== undefined && began > this.#call.since)) {
      // Without a lease, nothing shows; and a load that began later has seen what was changed before this caller came.
      this.#settler.resolve(value)
    } else this.#confirm(value)
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
    const filled = this.#flight.filled()
    const check = (): void => {
      if (this.#flight.sure) this.#settler.resolve(value)
      else this.#again()
    }
    const left = this.#left()
    if (!filled || left < 1) check()
    else void waitFor(filled, { signal: undefined, timeout: left }, this.#context.deadlines, () => {}).then(check)
  }

  /** For how long the nodes may still keep this caller waiting, in milliseconds. */
  #left(): number {
    const { clock, nodeTimeout } = this.#context
    const { since, loading } = this.#call
    return nodeTimeout - (clock.monotonic() - since - loading - this.#flight.loading(since))
  }

  #again(): void {
    const { target, failure } = this.#flight
    const { request, since, loading } = this.#call
    const left = this.#left()
    // Whose time with the nodes is over goes on without them.
    const how = left < 1 ? undefined : { ...request.read, timeout: left }
    const call = { ...this.#call, loading: loading + this.#flight.loading(since), again: true, failure }
    try {
      this.#settler.resolve(this.#askAgain(target, call, how))
    } catch (error) {
      this.#settler.reject(error)
    }
  }
}
