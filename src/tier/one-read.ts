import type { Settler } from '../base/caller.ts'
import type { Route, Routed } from '../cluster/routed.ts'
import type { Form } from '../entry/form.ts'
import type { SliceOutcome } from '../node/slices.ts'
import type { Source } from '../shard/answers.ts'
import type { Reader } from '../shard/gathered-reads.ts'
import { Found } from './found.ts'
import type { TierKey } from './key.ts'
import type { Moment } from './l1.ts'

/** Who asks for keys, one by one. */
export interface Asker {
  /**
   * Told what a read found, once. What it throws, the promise is rejected with.
   *
   * @param read whose promise is to be settled
   * @param now wall clock
   */
  found(found: Found, read: OneRead, now: number): void
}

/** Makes of an answer what was found. May throw. */
export type Accept = (read: OneRead, now: number) => Found | Promise<Found>

/**
 * A read of one key, under way. One object and one promise, since thousands may wait; and an object of a class, since V8
 * puts what it has seen wait long once among the old objects from then on, if it is written as a literal.
 */
export class OneRead implements Reader, Settler, Routed {
  readonly form: Form
  /** When its time is over (monotonic). */
  readonly end: number
  /** When it began, and L1's fence at that time; `undefined` when L1 is left alone. */
  readonly began: Moment | undefined
  readonly stamp: number | undefined
  readonly target: TierKey
  /** Where it was sent. */
  route!: Route
  outcome: SliceOutcome
  source: Source | undefined
  readonly promise: Promise<unknown>
  readonly #asker: Asker
  readonly #accept: Accept
  #resolve!: (value: unknown) => void
  #reject!: (error: unknown) => void

  constructor(
    target: TierKey,
    form: Form,
    end: number,
    began: Moment | undefined,
    stamp: number | undefined,
    accept: Accept,
    asker: Asker,
  ) {
    this.target = target
    this.form = form
    this.end = end
    this.began = began
    this.stamp = stamp
    this.#accept = accept
    this.#asker = asker
    // A function that is written here V8 builds in; one that stands elsewhere it calls, and must ask which it is.
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  answered(outcome: SliceOutcome, source: Source | undefined, now: number): void {
    this.outcome = outcome
    this.source = source
    try {
      const found = this.#accept(this, now)
      if (found instanceof Found || !(found instanceof Promise)) this.#asker.found(found, this, now)
      else found.then((one) => this.#asker.found(one, this, now)).catch((error: unknown) => this.#reject(error))
    } catch (error) {
      this.#reject(error)
    }
  }

  failed(error: unknown): void {
    this.#reject(error)
  }

  resolve(value: unknown): void {
    this.#resolve(value)
  }

  reject(error: unknown): void {
    this.#reject(error)
  }
}
