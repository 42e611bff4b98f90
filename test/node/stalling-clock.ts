import type { Clock, Timer } from '../../src/base/clock.ts'

/**
 * A clock of a process that can stand still: what falls due meanwhile runs late, all at the moment at which it goes on, as
 * with the machine's timers. (A `ManualClock` runs each timer at its own moment, and so is never late.)
 */
export class StallingClock implements Clock {
  #time = 0
  #timers: { at: number; run: () => void }[] = []

  now(): number {
    return 1_800_000_000_000 + this.#time
  }

  monotonic(): number {
    return this.#time
  }

  setTimer(run: () => void, ms: number): Timer {
    const timer = { at: this.#time + Math.max(1, ms), run }
    this.#timers.push(timer)
    const cancel = (): void => void (this.#timers = this.#timers.filter((one) => one !== timer))
    return { cancel, ref: () => {}, unref: () => {} }
  }

  get pending(): number {
    return this.#timers.length
  }

  /** Nothing runs for so long; then the timers do, and whatever else the event loop has. */
  async stall(ms: number): Promise<void> {
    this.#time += ms
    const due = this.#timers.filter(({ at }) => at <= this.#time).toSorted((a, b) => a.at - b.at)
    this.#timers = this.#timers.filter((timer) => !due.includes(timer))
    for (const { run } of due) run()
    for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve))
  }

  /** Goes on as usual. */
  async pass(ms: number): Promise<void> {
    for (let i = 0; i < ms; i++) await this.stall(1)
  }
}
