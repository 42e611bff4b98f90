import { MAX_TIMER, type Clock, type Timer } from './clock.ts'

/** One running deadline. */
export interface Deadline {
  /** Ends it without calling back; harmless when it has already passed. */
  cancel(): void
}

/** The deadlines of one duration, in a ring of which this is the head. */
interface List {
  readonly owner: Deadlines
  readonly duration: number
  readonly head: Due
}

/**
 * What has a deadline, and is its own entry in their list: thousands may wait, and what waits is copied by the garbage
 * collector. {@link Deadlines.add} sets it.
 */
export abstract class Due implements Deadline {
  /** When it passes (monotonic). */
  at: number = Infinity
  /** While it runs. */
  list: List | undefined
  previous: Due = this
  next: Due = this

  /**
   * Called once, unless cancelled before. Must not throw: those after it would not be called.
   *
   * @param late how many milliseconds late, because this process stood still; 0 when it did not
   */
  abstract expire(late: number): void

  cancel(): void {
    this.leave()
  }

  /** Takes it out of its list. */
  leave(): void {
    const { list } = this
    if (list === undefined) return
    this.list = undefined
    this.previous.next = this.next
    this.next.previous = this.previous
    // One that has grown old would keep all that came after it from being collected while they are young.
    this.previous = this.next = this
    list.owner.removed(list)
  }
}

/** The head of a list, which is no deadline. */
class Head extends Due {
  expire(): void {}
}

/** A deadline of somebody who gave a function, which it lets go of when it is over, for the same reason. */
class Callback extends Due {
  #call: ((late: number) => void) | undefined

  constructor(call: (late: number) => void) {
    super()
    this.#call = call
  }

  expire(late: number): void {
    const call = this.#call
    this.#call = undefined
    call?.(late)
  }

  override cancel(): void {
    this.leave()
    this.#call = undefined
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
    const due = new Callback(expire)
    this.add(ms, due)
    return due
  }

  /**
   * The same, of somebody who is told. One that runs is set anew.
   *
   * @param now monotonic
   */
  add(ms: number, due: Due, now: number = this.#clock.monotonic()): void {
    due.leave()
    const duration = Math.max(0, Math.ceil(ms))
    const list = this.#lists.get(duration) ?? this.#open(duration)
    const { head } = list
    const at = now + duration
    due.at = at
    due.list = list
    due.previous = head.previous
    due.next = head
    head.previous.next = due
    head.previous = due
    if (this.#waiting++ === 0) this.#timer?.ref()
    if (at < this.#firesAt) this.#arm(at)
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
    const list = { owner: this, duration, head: new Head() }
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
    const due: Due[] = []
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

  #expire(due: readonly Due[], from: number): void {
    const now = this.#clock.monotonic()
    let called = 0
    for (let i = from; i < due.length; i++) {
      const item = due[i] as Due
      // It may have been cancelled meanwhile, also by another one's callback, and set anew.
      if (item.list === undefined || item.at > now) continue
      if (called++ === SLICE) {
        setImmediate(() => this.#expire(due, i))
        return
      }
      item.leave()
      const late = now - item.at
      item.expire(late > STALL ? late : 0)
    }
  }
}
