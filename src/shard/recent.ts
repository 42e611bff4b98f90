import type { Clock } from '../base/clock.ts'

/** How long a key that was written or deleted is read from its primary, in milliseconds: replicas follow with a delay. */
const WINDOW = 1_000
/** How many keys are remembered. With more than that in a second, all keys are read from their primary. */
const MOST = 50_000

/** The keys that this process wrote or deleted within the last second, where that matters: where there are replicas. */
export class Recent {
  readonly #clock: Clock
  #matters: boolean
  /** When something was last changed that is not remembered. */
  #last = -Infinity
  /** Until when each key is recent: those of one window, and of the one before. */
  #until = new Map<string, number>()
  #before = new Map<string, number>()
  /** When the next window begins. */
  #next = -Infinity
  /** Until when there were more than can be remembered. */
  #allUntil = -Infinity

  /** @param matters whether there are replicas */
  constructor(clock: Clock, matters: boolean) {
    this.#clock = clock
    this.#matters = matters
  }

  /** Whether there are replicas; to be told when they come or go. */
  set matters(now: boolean) {
    // What was changed just before they came is not known, but when that was.
    if (now && !this.#matters) this.#allUntil = this.#last + WINDOW
    this.#matters = now
  }

  /** To be told of each change, whatever it came to, before its keys are added. */
  changed(): void {
    if (!this.#matters) this.#last = this.#clock.monotonic()
  }

  add(key: string): void {
    if (!this.#matters) return
    const now = this.#clock.monotonic()
    if (now >= this.#next) {
      this.#before = now >= this.#next + WINDOW ? new Map() : this.#until
      this.#until = new Map()
      this.#next = now + WINDOW
    }
    if (this.#until.size + this.#before.size < MOST) this.#until.set(key, now + WINDOW)
    else this.#allUntil = now + WINDOW
  }

  has(key: string): boolean {
    const now = this.#clock.monotonic()
    if (now < this.#allUntil) return true
    return (this.#until.get(key) ?? this.#before.get(key) ?? -Infinity) > now
  }
}
