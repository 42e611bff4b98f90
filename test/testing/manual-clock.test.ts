import { describe, expect, it } from 'vitest'
import { MAX_TIMER } from '../../src/base/clock.ts'
import { ManualClock } from '../../src/testing/index.ts'

const START = Date.UTC(2026, 0, 1)

describe('ManualClock', () => {
  it('stands still, at the time it was given', () => {
    const clock = new ManualClock(1_000)
    expect([clock.now(), clock.monotonic()]).toEqual([1_000, 0])
    expect(new ManualClock().now()).toBe(START)
  })

  it('runs due timers in order, each at its own moment, ties in the order set', () => {
    const clock = new ManualClock(1_000)
    const log: string[] = []
    const note = (name: string) => (): void => void log.push(`${name}@${clock.monotonic()}/${clock.now()}`)
    clock.setTimer(note('c'), 30)
    clock.setTimer(note('a'), 10)
    clock.setTimer(note('b'), 20)
    clock.setTimer(note('a2'), 10)
    clock.advance(9)
    expect(log).toEqual([])
    clock.advance(11)
    expect(log).toEqual(['a@10/1010', 'a2@10/1010', 'b@20/1020'])
    expect(clock.pending).toBe(1)
    clock.advance(1_000)
    expect(log.at(-1)).toBe('c@30/1030')
    expect([clock.monotonic(), clock.now(), clock.pending]).toEqual([1_020, 2_020, 0])
  })

  it('runs timers that timers set, when they fall due within the same advance', () => {
    const clock = new ManualClock()
    const at: number[] = []
    const tick = (): void => {
      at.push(clock.monotonic())
      if (at.length < 5) clock.setTimer(tick, 10)
    }
    clock.setTimer(tick, 10)
    clock.advance(35)
    expect(at).toEqual([10, 20, 30])
    clock.advance(100)
    expect(at).toEqual([10, 20, 30, 40, 50])
  })

  it('never runs a timer at once: the shortest delay is one millisecond', () => {
    const clock = new ManualClock()
    let runs = 0
    const again = (): void => {
      runs++
      clock.setTimer(again, 0)
    }
    clock.setTimer(again, -5)
    clock.advance(0)
    expect(runs).toBe(0)
    clock.advance(3)
    expect(runs).toBe(3)
  })

  it('cancels, and tracks which timers would keep the process alive', () => {
    const clock = new ManualClock()
    const ran: string[] = []
    const a = clock.setTimer(() => ran.push('a'), 10)
    const b = clock.setTimer(() => ran.push('b'), 10)
    expect([clock.pending, clock.referenced]).toEqual([2, 0])
    a.ref()
    b.ref()
    expect(clock.referenced).toBe(2)
    b.unref()
    expect(clock.referenced).toBe(1)
    a.cancel()
    a.cancel()
    expect([clock.pending, clock.referenced]).toEqual([1, 0])
    clock.advance(10)
    b.cancel()
    expect(ran).toEqual(['b'])
  })

  it('cancels a timer from another one of the same moment', () => {
    const clock = new ManualClock()
    const ran: string[] = []
    clock.setTimer(() => {
      ran.push('a')
      b.cancel()
    }, 10)
    const b = clock.setTimer(() => ran.push('b'), 10)
    clock.advance(10)
    expect(ran).toEqual(['a'])
  })

  it('lets promises continue between two timers when advanced asynchronously', async () => {
    const clock = new ManualClock()
    const log: string[] = []
    const sleep = (ms: number): Promise<void> => new Promise((resolve) => void clock.setTimer(resolve, ms))
    const work = async (): Promise<void> => {
      await Promise.resolve()
      for (let step = 1; step <= 3; step++) {
        await sleep(10)
        log.push(`${step}@${clock.monotonic()}`)
      }
    }
    const done = work()
    await clock.advanceAsync(30)
    expect(log).toEqual(['1@10', '2@20', '3@30'])
    await done
  })

  it('jumps the wall clock alone', () => {
    const clock = new ManualClock(10_000)
    let ran = false
    clock.setTimer(() => (ran = true), 5)
    clock.jump(-9_000)
    expect([clock.now(), clock.monotonic(), ran]).toEqual([1_000, 0, false])
    clock.jump(3_600_000)
    expect(ran).toBe(false)
    clock.advance(5)
    expect([clock.now(), clock.monotonic(), ran]).toEqual([3_601_005, 5, true])
  })

  it('passes on what a timer throws, with the clock at that moment and the others still to come', () => {
    const clock = new ManualClock()
    let ran = false
    clock.setTimer(() => {
      throw new Error('thrown by a timer')
    }, 10)
    clock.setTimer(() => (ran = true), 20)
    expect(() => clock.advance(100)).toThrow('thrown by a timer')
    expect([clock.monotonic(), ran]).toEqual([10, false])
    clock.advance(10)
    expect(ran).toBe(true)
  })

  it('stays where a timer moved it to', () => {
    const clock = new ManualClock()
    clock.setTimer(() => clock.advance(100), 10)
    clock.advance(20)
    expect(clock.monotonic()).toBe(110)
  })

  it('refuses what is not a time', async () => {
    const clock = new ManualClock()
    const code = expect.objectContaining({ code: 'ERR_OPTION' })
    for (const bad of [Number.NaN, Infinity, -1, '5' as unknown as number]) {
      expect(() => clock.advance(bad)).toThrow(code)
      await expect(clock.advanceAsync(bad)).rejects.toThrow(code)
    }
    expect(() => clock.jump(Infinity)).toThrow(code)
    expect(() => new ManualClock(Number.NaN)).toThrow(code)
    expect(() => clock.setTimer(() => {}, MAX_TIMER + 1)).toThrow(code)
    expect(() => clock.setTimer(() => {}, Number.NaN)).toThrow(code)
    expect(clock.pending).toBe(0)
  })
})
