import { MAX_TIMER, type Clock, type Timer } from '../base/clock.ts'
import { OptionError, quote } from '../base/errors.ts'

interface Pending {
  at: number
  run: () => void
  referenced: boolean
}

/**
 * A clock that stands still until it is told to move: for tests that would otherwise have to sleep.
 *
 * It starts at a wall-clock time of your choice (1 January 2026, 00:00 UTC, unless given) and a monotonic time of 0.
 * Timers run inside {@link ManualClock.advance}, in the order in which they fall due, those of one moment in the order in
 * which they were set; while one runs, the clock shows its moment. As with the machine's timers, the shortest delay is
 * one millisecond, so none ever runs at once.
 *
 * @example
 * const clock = new ManualClock()
 * clock.setTimer(() => console.log('half a minute'), 30_000)
 * clock.advance(29_999) // nothing
 * clock.advance(1)      // half a minute
 * clock.jump(-3_600_000) // somebody set the machine's clock back: now() goes back, monotonic() and timers do not
 */
export class ManualClock implements Clock {
  #wall: number
  #monotonic = 0
  readonly #timers = new Set<Pending>()

  /** @param start the wall-clock time to begin with, in milliseconds since 1970 */
  constructor(start: number = Date.UTC(2026, 0, 1)) {
    this.#wall = finite(start, 'start')
  }

  /** Wall-clock time, in milliseconds since 1970. */
  now(): number {
    return this.#wall
  }

  /** Milliseconds since this clock was made. */
  monotonic(): number {
    return this.#monotonic
  }

  /**
   * Calls `run` once, when the clock has been moved on by `ms` milliseconds (at least 1).
   *
   * @throws OptionError `ERR_OPTION` for more than 2^31 - 1: the machine's timers would run at once
   */
  setTimer(run: () => void, ms: number): Timer {
    if (!(ms <= MAX_TIMER))
      throw new OptionError('ERR_OPTION', `a timer must be at most ${MAX_TIMER} ms; given: ${quote(ms)}`)
    const timer: Pending = { at: this.#monotonic + Math.max(1, ms), run, referenced: false }
    this.#timers.add(timer)
    return {
      cancel: () => void this.#timers.delete(timer),
      ref: () => void (timer.referenced = true),
      unref: () => void (timer.referenced = false),
    }
  }

  /** How many timers wait. */
  get pending(): number {
    return this.#timers.size
  }

  /** How many of them would keep the process alive. */
  get referenced(): number {
    let count = 0
    for (const timer of this.#timers) if (timer.referenced) count++
    return count
  }

  /**
   * Moves both clocks on and runs what falls due, timers set meanwhile included. What a timer throws comes out of here,
   * with the clock at that timer's moment.
   *
   * @param ms milliseconds, 0 or more
   * @throws OptionError `ERR_OPTION` for anything else: time does not go back; see {@link ManualClock.jump}
   */
  advance(ms: number): void {
    const end = this.#end(ms)
    for (let timer = this.#next(end); timer; timer = this.#next(end)) this.#run(timer)
    this.#moveTo(end)
  }

  /**
   * Like {@link ManualClock.advance}, and lets all promises that are ready continue before the first timer, between two
   * timers, and after the last one.
   */
  async advanceAsync(ms: number): Promise<void> {
    const end = this.#end(ms)
    await turn()
    for (let timer = this.#next(end); timer; timer = this.#next(end)) {
      this.#run(timer)
      await turn()
    }
    this.#moveTo(end)
    await turn()
  }

  /**
   * Moves the wall clock alone, as when somebody sets the machine's time. Timers and the monotonic clock do not notice.
   *
   * @param ms milliseconds; negative to go back
   */
  jump(ms: number): void {
    this.#wall += finite(ms, 'a jump')
  }

  #end(ms: number): number {
    if (finite(ms, 'an advance') < 0)
      throw new OptionError('ERR_OPTION', `an advance must not be negative; given: ${quote(ms)}`)
    return this.#monotonic + ms
  }

  #next(end: number): Pending | undefined {
    let next: Pending | undefined
    for (const timer of this.#timers) if (timer.at <= end && (next === undefined || timer.at < next.at)) next = timer
    return next
  }

  #run(timer: Pending): void {
    this.#timers.delete(timer)
    this.#moveTo(timer.at)
    timer.run()
  }

  #moveTo(monotonic: number): void {
    // A timer may itself have moved the clock further on.
    if (monotonic <= this.#monotonic) return
    this.#wall += monotonic - this.#monotonic
    this.#monotonic = monotonic
  }
}

/** Longer than microtasks alone: what was resolved may take any number of them to reach the one who waits. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

function finite(given: unknown, name: string): number {
  if (typeof given === 'number' && Number.isFinite(given)) return given
  throw new OptionError('ERR_OPTION', `${name} must be a finite number of milliseconds; given: ${quote(given)}`)
}
