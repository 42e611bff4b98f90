import { describe, expect, it } from 'vitest'
import { RecentTime } from '../../src/base/recent-time.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'

describe('the recent time', () => {
  it('is one look at the clock for four questions', () => {
    const clock = new ManualClock()
    let looks = 0
    const recent = new RecentTime(
      {
        now: () => clock.now(),
        monotonic: () => looks++,
        setTimer: (run, ms) => clock.setTimer(run, ms),
      },
      'millisecond',
    )
    expect(Array.from({ length: 9 }, () => recent.monotonic())).toEqual([0, 0, 0, 0, 1, 1, 1, 1, 2])
  })

  it('is forgotten after a millisecond, and then right', () => {
    const clock = new ManualClock()
    const recent = new RecentTime(clock, 'millisecond')
    expect(recent.monotonic()).toBe(0)
    for (const ms of [1, 5, 70_000]) {
      clock.advance(ms)
      expect(recent.monotonic()).toBe(clock.monotonic())
    }
  })

  it('is never later than the clock, and where timers do not run, behind it for three questions only', () => {
    let now = 0
    const stuck = { now: () => now, monotonic: () => now, setTimer: () => ({ cancel() {}, ref() {}, unref() {} }) }
    const recent = new RecentTime(stuck, 'millisecond')
    recent.monotonic()
    now = 10_000
    expect([1, 2, 3, 4].map(() => recent.monotonic())).toEqual([0, 0, 0, 10_000])
  })

  it('has one timer at a time', () => {
    let timers = 0
    const recent = new RecentTime(
      {
        now: () => 0,
        monotonic: () => 0,
        setTimer: () => {
          timers++
          return { cancel() {}, ref() {}, unref() {} }
        },
      },
      'millisecond',
    )
    for (let i = 0; i < 100; i++) recent.monotonic()
    expect(timers).toBe(1)
  })

  it('within a turn of the event loop is forgotten when that ends, without a timer', async () => {
    let now = 0
    const setTimer = (): never => {
      throw new Error('no timer is needed')
    }
    const recent = new RecentTime({ now: () => now, monotonic: () => now, setTimer }, 'turn')
    const seen: number[] = []
    for (const at of [10, 20, 30]) {
      now = at
      seen.push(recent.monotonic())
      await Promise.resolve()
      now = at + 1
      seen.push(recent.monotonic())
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(seen).toEqual([10, 10, 20, 20, 30, 30])
  })
})
