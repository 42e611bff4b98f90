import { nextTick } from 'node:process'
import type { Clock } from './clock.ts'

/** How many questions one look at the clock answers, at most. */
const USES = 4
/** For how long, in milliseconds, where a timer ends it. */
const LIFE = 1

/**
 * The monotonic time as of a moment ago: one look at the clock answers up to four questions within a millisecond, or within
 * one turn of the event loop. A look takes longer than to find a key in a map. Where the event loop is held up, so is what
 * forgets the time: the number of uses bounds what that can do.
 */
export class RecentTime {
  readonly #clock: Clock
  readonly #within: 'millisecond' | 'turn'
  #at = 0
  #left = 0
  #armed = false
  readonly #forget = (): void => {
    this.#left = 0
    this.#armed = false
  }

  constructor(clock: Clock, within: 'millisecond' | 'turn') {
    this.#clock = clock
    this.#within = within
  }

  /** Milliseconds, as {@link Clock.monotonic}. */
  monotonic(): number {
    if (this.#left === 0) return this.#look()
    this.#left--
    return this.#at
  }

  #look(): number {
    this.#at = this.#clock.monotonic()
    this.#left = USES - 1
    if (!this.#armed) {
      this.#armed = true
      if (this.#within === 'turn') nextTick(this.#forget)
      else this.#clock.setTimer(this.#forget, LIFE)
    }
    return this.#at
  }
}
