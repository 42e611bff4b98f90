import { describe, expect, it } from 'vitest'
import { Recent } from '../../src/shard/recent.ts'
import { ManualClock } from '../../src/testing/index.ts'

describe('a key that was changed', () => {
  it('is recent for a second, from its last change', () => {
    const clock = new ManualClock()
    const recent = new Recent(clock)
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
    const recent = new Recent(clock)
    recent.add('k')
    clock.jump(-3_600_000)
    clock.advance(1_000)
    expect(recent.has('k')).toBe(false)
  })
})

describe('more keys than are remembered', () => {
  it('make all keys recent until the forgotten ones are not any more', () => {
    const clock = new ManualClock()
    const recent = new Recent(clock)
    recent.add('first')
    clock.advance(500)
    for (let i = 0; i < 50_000; i++) recent.add(`k:${i}`)
    expect([recent.has('first'), recent.has('never changed')]).toEqual([true, true])
    clock.advance(499)
    expect(recent.has('never changed')).toBe(true)
    clock.advance(1)
    expect([recent.has('never changed'), recent.has('first'), recent.has('k:0')]).toEqual([false, false, true])
  })

  it('does not come of keys that were changed long ago', () => {
    const clock = new ManualClock()
    const recent = new Recent(clock)
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 30_000; i++) recent.add(`${round}:${i}`)
      clock.advance(1_000)
    }
    expect(recent.has('never changed')).toBe(false)
  })
})
