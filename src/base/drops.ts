import type { Clock } from './clock.ts'
import type { DropReason, Events } from './events.ts'

/** Counts what was given up, and tells listeners: nothing is lost silently. */
export class Drops {
  readonly counts: Record<DropReason, number> = {
    corrupt: 0,
    'wrong-key': 0,
    fenced: 0,
    unsupported: 0,
    schema: 0,
    'too-large': 0,
    'fill-failed': 0,
    overtaken: 0,
    'clock-skew': 0,
  }
  readonly #events: Events
  readonly #clock: Clock

  constructor(events: Events, clock: Clock) {
    this.#events = events
    this.#clock = clock
  }

  tell(reason: DropReason, key: string, node?: string): void {
    this.tellIf(true, reason, key, node)
  }

  /**
   * The same, if it was given up: for who is asked thousands of times when nodes fail, and seldom before. A call that has
   * never been made would make V8 give up its fast code just then.
   */
  tellIf(dropped: boolean, reason: DropReason, key: string, node?: string): void {
    this.counts[reason] += dropped ? 1 : 0
    if (!(this.#events.wanted('dropped') && dropped)) return
    this.#events.emit({
      type: 'dropped',
      reason,
      key,
      at: this.#clock.now(),
      ...(node === undefined ? {} : { node }),
    })
  }
}
