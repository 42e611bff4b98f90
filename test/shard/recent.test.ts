import { describe, expect, it } from 'vitest'
import { Recent } from '../../src/shard/recent.ts'
import { ManualClock } from '../../src/testing/index.ts'

describe('a key that was changed', () => {
  it('is recent for a second, from its last change', () => {
    const clock = new ManualClock()
    const recent = new Recent(clock, true)
    expect(recent.has('k')).toBe(false)
    recent.add('k')
    clock.advance(999)
    expect([recent.has('k'), recent.has('other')]).toEqual([true, false])
    recent.add('k')
    clock.advance(999)
    expect(recent.has('k')).toBe(true)
    clock.advance(1)
    expect(recent.has('k')).toBe(false)
  })

  it('is not made recent longer, or at all, by the wall clock', () => {
    const clock = new ManualClock()
    const recent = new Recent(clock, true)
    recent.add('k')
    clock.jump(-3_600_000)
    clock.advance(1_000)
    expect(recent.has('k')).toBe(false)
  })
})

describe('more keys than are remembered', () => {
  it('make all keys recent until those that found no place are not any more', () => {
    const clock = new ManualClock()
    const recent = new Recent(clock, true)
    for (let i = 0; i < 50_000; i++) recent.add(`k:${i}`)
    expect([recent.has('k:0'), recent.has('never changed')]).toEqual([true, false])
    clock.advance(500)
    recent.add('one more')
    clock.advance(999)
    expect([recent.has('one more'), recent.has('never changed')]).toEqual([true, true])
    clock.advance(1)
    expect([recent.has('one more'), recent.has('never changed'), recent.has('k:0')]).toEqual([false, false, false])
  })

  it('is so whenever each was changed: a key is recent for a second, and no longer', () => {
    const clock = new ManualClock()
    const recent = new Recent(clock, true)
    const changed = new Map<string, number>()
    for (let step = 0; step < 2_000; step++) {
      const key = `k:${(step * 7) % 40}`
      recent.add(key)
      changed.set(key, clock.monotonic())
      clock.advance((step * 37) % 190)
      for (const [each, at] of changed) expect(recent.has(each)).toBe(clock.monotonic() - at < 1_000)
    }
  })

  it('does not come of keys that were changed long ago', () => {
    const clock = new ManualClock()
    const recent = new Recent(clock, true)
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 30_000; i++) recent.add(`${round}:${i}`)
      clock.advance(1_000)
    }
    expect(recent.has('never changed')).toBe(false)
  })

  it('without replicas, remembers only when something was changed: all keys are recent when some come within a second', () => {
    const clock = new ManualClock()
    const recent = new Recent(clock, false)
    recent.changed()
    recent.add('k')
    expect(recent.has('k')).toBe(false)
    clock.advance(600)
    recent.matters = true
    expect([recent.has('k'), recent.has('other')]).toEqual([true, true])
    clock.advance(399)
    recent.matters = true
    expect(recent.has('other')).toBe(true)
    clock.advance(1)
    expect(recent.has('other')).toBe(false)
  })

  it('takes no key for recent when replicas come and nothing was changed within a second', () => {
    const clock = new ManualClock()
    const recent = new Recent(clock, false)
    recent.matters = true
    expect(recent.has('k')).toBe(false)
    recent.matters = false
    recent.changed()
    clock.advance(1_000)
    recent.matters = true
    expect(recent.has('k')).toBe(false)
  })
})
