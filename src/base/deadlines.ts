import { MAX_TIMER, type Clock, type Timer } from './clock.ts'

/** One running deadline. */
export interface Deadline {
  /** Ends it without calling back; harmless when it has already passed. */
  cancel(): void
}

/** The deadlines of one duration, in a ring of which this is the head. */
interface List {
  readonly duration: number
  readonly head: Item
}

/** In as few objects as possible: thousands may wait, and what waits is copied by the garbage collector. */
class Item implements Deadline {
  readonly at: number
  readonly owner: Deadlines | undefined
  readonly list: List | undefined
  expire: ((late: number) => void) | undefined
  previous: Item = this
  next: Item = this

  constructor(
    at: number,
    expire: ((late: number) => void) | undefined,
    owner: Deadlines | undefined,
    list: List | undefined,
  ) {
    this.at = at
    this.expire = expire
    this.owner = owner
    this.list = list
  }

  cancel(): void {
    if (this.expire === undefined) return
    this.expire = undefined
    this.previous.next = this.next
    this.next.previous = this.previous
    // One that has grown old would keep all that came after it from being collected while they are young.
    this.previous = this.next = this
    this.owner?.removed(this.list as List)
  }
}

/**
 * How many deadlines that pass together are called in one turn of the event loop. Each may be a command that many wait for:
 * what follows from it is work, and the last ones should not hold up the first.
 */
const SLICE = 3

/** A timer that fires this late, in milliseconds, fires in a process that stood still. */
const STALL = 5

/**
 * All deadlines of one cache on one shared timer.
 *
 * A timer per call costs tens of percent of a cached read's time. Most calls share one duration, and deadlines of one
 * duration expire in the order in which they were set: so each duration has a first-in-first-out list, and only the
 * heads are ever compared. Setting and cancelling are O(1).
 *
 * When the process itself stood still, answers that arrived in time have not been read yet, and Node runs timers before it
 * reads: deadlines then pass one turn of the event loop later, so that those answers come first.
 *
 * While callers wait the timer keeps the process alive, so that their promises settle; with nobody waiting it does not.
 */
export class Deadlines {
  readonly #clock: Clock
  readonly #lists = new Map<number, List>()
  #waiting = 0
  #timer: Timer | undefined
  #firesAt = Infinity

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** How many deadlines run now. */
  get size(): number {
    return this.#waiting
  }

  /**
   * Calls `expire` once, `ms` milliseconds from now, unless cancelled before. Deadlines that pass together are called in
   * the order in which they fell due. `expire` must not throw: those after it would not be called.
   *
   * @param expire is told how many milliseconds late it is called, because this process stood still; 0 when it did not
   */
  set(ms: number, expire: (late: number) => void): Deadline {
    const duration = Math.max(0, Math.ceil(ms))
    const list = this.#lists.get(duration) ?? this.#open(duration)
    const { head } = list
    const at = this.#clock.monotonic() + duration
    const item = new Item(at, expire, this, list)
    item.previous = head.previous
    item.next = head
    head.previous.next = item
    head.previous = item
    if (this.#waiting++ === 0) this.#timer?.ref()
    if (at < this.#firesAt) this.#arm(at)
    return item
  }

  /** Stops the timer; deadlines that still run never expire. */
  close(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#firesAt = Infinity
    for (const { head } of this.#lists.values()) while (head.next !== head) head.next.cancel()
    this.#lists.clear()
  }

  #open(duration: number): List {
    const list = { duration, head: new Item(Infinity, undefined, undefined, undefined) }
    this.#lists.set(duration, list)
    return list
  }

  /** Told by an item of this list that it was taken out. */
  removed({ duration, head }: List): void {
    // Per-call time-outs leave all sorts of durations behind; an empty list is dropped when another one is in use.
    if (head.next === head && this.#lists.size > 4) this.#lists.delete(duration)
    if (--this.#waiting === 0) this.#timer?.unref()
  }

  #arm(at: number): void {
    this.#timer?.cancel()
    this.#firesAt = at
    const ms = Math.ceil(at - this.#clock.monotonic())
    // Beyond the longest timer there is: it fires early, finds nothing due, and is armed again.
    this.#timer = this.#clock.setTimer(() => this.#due(at), Math.min(MAX_TIMER, Math.max(1, ms)))
    if (this.#waiting > 0) this.#timer.ref()
  }

  #due(at: number): void {
    if (this.#clock.monotonic() - at > STALL) setImmediate(() => this.#fire(at))
    else this.#fire(at)
  }

  #fire(at: number): void {
    // While it waited for its turn, an earlier deadline may have armed the timer anew, or all may have been closed.
    if (this.#firesAt !== at) return
    this.#timer = undefined
    this.#firesAt = Infinity
    const now = this.#clock.monotonic()
    let soonest = Infinity
    const due: Item[] = []
    for (const { head } of this.#lists.values()) {
      let item = head.next
      while (item !== head && item.at <= now) {
        due.push(item)
        item = item.next
      }
      if (item !== head && item.at < soonest) soonest = item.at
    }
    if (soonest < Infinity) this.#arm(soonest)
    due.sort((a, b) => a.at - b.at)
    this.#expire(due, 0)
  }

  #expire(due: readonly Item[], from: number): void {
    const now = this.#clock.monotonic()
    let called = 0
    for (let i = from; i < due.length; i++) {
      const item = due[i] as Item
      const { expire } = item
      // It may have been cancelled meanwhile, also by another one's callback.
      if (expire === undefined) continue
      if (called++ === SLICE) {
        setImmediate(() => this.#expire(due, i))
        return
      }
      item.cancel()
      const late = now - item.at
      expire(late > STALL ? late : 0)
    }
  }
}
