import { randomBytes } from 'node:crypto'
import type { Clock } from './clock.ts'

/** The length of a writer's mark, in bytes. */
export const WRITER_BYTES = 3

/** How far ahead of our clock a writer's may be, in milliseconds, before its entries are taken as written now. */
export const MAX_CLOCK_SKEW = 1_000

/**
 * The wall clock by which one cache writes entries and raises fences, and the mark by which it knows its own entries again.
 *
 * Of its own entries a cache knows exactly which it wrote before a fence and which after it: what it writes after a fence
 * carries a later time, also within the same millisecond. For others' entries it has to allow for clocks that differ.
 */
export class Stamps {
  /** What the versions of this cache's entries carry: bytes drawn at random. */
  readonly writer: Uint8Array = randomBytes(WRITER_BYTES)
  readonly #clock: Clock
  #last = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The time that an entry written now carries. */
  now(): number {
    const now = this.#clock.now()
    // A clock that was set back by more is believed: times that lie ahead of it would make entries live longer.
    this.#last = this.#last - now > MAX_CLOCK_SKEW ? now : Math.max(now, this.#last)
    return this.#last
  }

  /** The time of a fence raised now: what was written until now is not after it, and what is written from now on is. */
  fence(): number {
    const at = this.now()
    this.#last = at + 1
    return at
  }
}
