import type { Clock } from '../base/clock.ts'

/** How long a key that was written or deleted is read from its primary, in milliseconds: replicas follow with a delay. */
const WINDOW = 1_000
/** How many keys are remembered. With more than that in a second, all keys are read from their primary. */
const MOST = 50_000

/** The keys that this process wrote or deleted within the last second. */
export class Recent {
  readonly #clock: Clock
  /** By when they were added, the oldest first. */
  readonly #until = new Map<string, number>()
  /** Until when there were more than can be remembered. */
  #allUntil = -Infinity

  constructor(clock: Clock) {
    this.#clock = clock
  }

  add(key: string): void {
    const now = this.#clock.monotonic()
    this.#until.delete(key)
    this.#until.set(key, now + WINDOW)
    for (const [oldest, until] of this.#until) {
      if (until > now && this.#until.size <= MOST) break
      this.#until.delete(oldest)
      if (until > now) this.#allUntil = until
    }
  }

  has(key: string): boolean {
    const now = this.#clock.monotonic()
    return (this.#until.get(key) ?? -Infinity) > now || now < this.#allUntil
  }
}
