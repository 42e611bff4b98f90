import type { Clock } from '../base/clock.ts'
import type { Events } from '../base/events.ts'

/** How loads went. */
export interface LoadCounts {
  /** Times a loader was called. */
  started: number
  /** Times one rejected, threw, or returned what is no result. */
  failed: number
  /** Times one ran into its hard time-out. */
  timedOut: number
  /** Callers that shared a load which another one had begun. */
  shared: number
  /** Calls for keys that cannot exist, as the `gate` says: neither read nor loaded. */
  gated: number
  /** The time all loads took together, in milliseconds. */
  ms: number
}

/** Counts what reads and loads came to, and tells listeners. */
export class Tally {
  hits = 0
  misses = 0
  readonly loads: LoadCounts = { started: 0, failed: 0, timedOut: 0, shared: 0, gated: 0, ms: 0 }
  readonly #events: Events
  readonly #clock: Clock

  constructor(events: Events, clock: Clock) {
    this.#events = events
    this.#clock = clock
  }

  hit(key: string, source: string): void {
    this.hits++
    if (this.#events.wanted('hit')) this.#events.emit({ type: 'hit', key, source, at: this.#clock.now() })
  }

  miss(key: string): void {
    this.misses++
    if (this.#events.wanted('miss')) this.#events.emit({ type: 'miss', key, at: this.#clock.now() })
  }

  load(key: string, keys: number, ms: number, ok: boolean): void {
    this.loads.ms += ms
    if (!ok) this.loads.failed++
    if (this.#events.wanted('load')) this.#events.emit({ type: 'load', key, keys, ms, ok, at: this.#clock.now() })
  }
}
