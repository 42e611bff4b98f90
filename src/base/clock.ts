import { performance } from 'node:perf_hooks'

/** A timer that was set; see {@link Clock.setTimer}. */
export interface Timer {
  /** Stops it; harmless when it has already run. */
  cancel(): void
  /** Lets it keep the process alive (as a new timer does not). */
  ref(): void
  /** Takes that back. */
  unref(): void
}

/** Where the cache takes its time from. Tests pass a manual one (`sharded-cache/testing`). */
export interface Clock {
  /** Wall-clock time, in milliseconds since 1970; what is written into entries. */
  now(): number
  /** Milliseconds from an arbitrary start, never going backwards; what deadlines and L1 run on. */
  monotonic(): number
  /**
   * Calls `run` once after `ms` milliseconds, at most 2^31 - 1. The timer does not keep the process alive unless
   * `ref()` is called.
   */
  setTimer(run: () => void, ms: number): Timer
}

/** The longest timer there is, in milliseconds (nearly 25 days); Node runs a longer one at once. */
export const MAX_TIMER: number = 2 ** 31 - 1

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimer(run, ms) {
    const handle = setTimeout(run, ms)
    handle.unref()
    return { cancel: () => clearTimeout(handle), ref: () => handle.ref(), unref: () => handle.unref() }
  },
}
