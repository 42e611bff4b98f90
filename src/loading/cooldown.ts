import { LRUCache } from 'lru-cache'
import type { Clock } from '../base/clock.ts'

/** How many failed keys are remembered; of more, the oldest are tried again sooner. */
const MOST = 10_000

interface Failure {
  readonly error: unknown
  /** Monotonic. */
  readonly until: number
}

/** The keys whose loads failed a moment ago, and with what: until `retryAfterError` has passed, that is the answer. */
export class Cooldown {
  readonly #failures = new LRUCache<string, Failure>({ max: MOST })
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  add(key: string, error: unknown, ms: number): void {
    this.#failures.set(key, { error, until: this.#clock.monotonic() + ms })
  }

  delete(key: string): void {
    if (this.#failures.size > 0) this.#failures.delete(key)
  }

  /** What the load of a key failed with, while it is not to be tried again. */
  get(key: string): { readonly error: unknown } | undefined {
    if (this.#failures.size === 0) return undefined
    const failure = this.#failures.get(key)
    return failure && failure.until > this.#clock.monotonic() ? failure : undefined
  }
}
