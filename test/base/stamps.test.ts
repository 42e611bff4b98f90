import { describe, expect, it } from 'vitest'
import { systemClock, type Clock } from '../../src/base/clock.ts'
import { Stamps, WRITER_BYTES } from '../../src/base/stamps.ts'

const NOW = Date.UTC(2026, 0, 1)

function clockAt(start: number): { clock: Clock; set(now: number): void } {
  let now = start
  return { clock: { ...systemClock, now: () => now }, set: (to) => (now = to) }
}

describe('the times of one cache', () => {
  it('are those of its clock', () => {
    const { clock, set } = clockAt(NOW)
    const stamps = new Stamps(clock)
    expect(stamps.now()).toBe(NOW)
    set(NOW + 5)
    expect([stamps.now(), stamps.fence()]).toEqual([NOW + 5, NOW + 5])
  })

  it('tell what was written before a fence from what is written after it, within one millisecond', () => {
    const stamps = new Stamps(clockAt(NOW).clock)
    const times = []
    for (let i = 0; i < 5; i++) times.push(stamps.now(), stamps.now(), stamps.fence())
    for (let i = 0; i < 12; i += 3) {
      const [before, later, fence, after] = times.slice(i) as [number, number, number, number]
      expect(Math.max(before, later)).toBeLessThanOrEqual(fence)
      expect(after).toBeGreaterThan(fence)
    }
  })

  it('do not go back when the clock does so by a second at most, and believe it when it does so by more', () => {
    const { clock, set } = clockAt(NOW)
    const stamps = new Stamps(clock)
    stamps.now()
    set(NOW - 1_000)
    expect(stamps.now()).toBe(NOW)
    set(NOW - 3_600_000)
    expect(stamps.now()).toBe(NOW - 3_600_000)
  })

  it('come with a mark of their own', () => {
    const marks = Array.from({ length: 50 }, () => Buffer.from(new Stamps(systemClock).writer).toString('hex'))
    expect(marks[0]).toHaveLength(2 * WRITER_BYTES)
    expect(new Set(marks).size).toBeGreaterThan(45)
  })
})
