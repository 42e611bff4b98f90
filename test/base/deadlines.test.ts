import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { Deadlines } from '../../src/base/deadlines.ts'
import { ManualClock } from '../../src/testing/index.ts'

function setUp(): { clock: ManualClock; deadlines: Deadlines; log: string[]; note: (name: string) => () => void } {
  const clock = new ManualClock()
  const log: string[] = []
  const note = (name: string) => (): void => void log.push(`${name}@${clock.monotonic()}`)
  return { clock, deadlines: new Deadlines(clock), log, note }
}

describe('Deadlines', () => {
  it('calls back once, not before its time', () => {
    const { clock, deadlines, log, note } = setUp()
    deadlines.set(100, note('a'))
    clock.advance(99)
    expect(log).toEqual([])
    clock.advance(1)
    expect(log).toEqual(['a@100'])
    clock.advance(10_000)
    expect(log).toEqual(['a@100'])
    expect([deadlines.size, clock.pending]).toEqual([0, 0])
  })

  it('calls in the order of falling due, whatever the order of setting, and first set first among equals', () => {
    const { clock, deadlines, log, note } = setUp()
    deadlines.set(300, note('late'))
    deadlines.set(100, note('a'))
    deadlines.set(200, note('middle'))
    deadlines.set(100, note('b'))
    clock.advance(1_000)
    expect(log).toEqual(['a@100', 'b@100', 'middle@200', 'late@300'])
  })

  it('keeps that order when several fall due before the timer gets to run', () => {
    const { clock, deadlines, log, note } = setUp()
    deadlines.set(50, () => clock.advance(500))
    deadlines.set(300, note('300'))
    deadlines.set(100, note('100'))
    deadlines.set(200, note('200'))
    clock.advance(50)
    clock.advance(1)
    expect(log.map((line) => line.split('@')[0])).toEqual(['100', '200', '300'])
  })

  it('runs on one timer, however many deadlines there are', () => {
    const { clock, deadlines, note } = setUp()
    for (let ms = 1; ms <= 500; ms++) deadlines.set(1_000 - ms, note(`${ms}`))
    expect([deadlines.size, clock.pending]).toEqual([500, 1])
  })

  it('arms the timer anew for one that falls due sooner', () => {
    const { clock, deadlines, log, note } = setUp()
    deadlines.set(1_000, note('slow'))
    clock.advance(10)
    deadlines.set(20, note('quick'))
    expect(clock.pending).toBe(1)
    clock.advance(20)
    expect(log).toEqual(['quick@30'])
    clock.advance(970)
    expect(log).toEqual(['quick@30', 'slow@1000'])
  })

  it('does not call what was cancelled, and cancelling again or late does no harm', () => {
    const { clock, deadlines, log, note } = setUp()
    const a = deadlines.set(100, note('a'))
    const b = deadlines.set(100, note('b'))
    deadlines.set(100, note('c'))
    b.cancel()
    b.cancel()
    expect(deadlines.size).toBe(2)
    clock.advance(100)
    a.cancel()
    expect(log).toEqual(['a@100', 'c@100'])
    expect(deadlines.size).toBe(0)
    deadlines.set(5, note('d'))
    expect(deadlines.size).toBe(1)
  })

  it('does not call one that another one’s callback cancels at the same moment', () => {
    const { clock, deadlines, log, note } = setUp()
    deadlines.set(100, () => {
      note('a')()
      b.cancel()
      c.cancel()
    })
    const b = deadlines.set(100, note('b'))
    clock.advance(40)
    const c = deadlines.set(60, note('c'))
    clock.advance(60)
    expect(log).toEqual(['a@100'])
    expect(deadlines.size).toBe(0)
  })

  it('calls many that pass together in turns of the event loop, the oldest first, and none that was cancelled between', async () => {
    const { clock, deadlines, log, note } = setUp()
    const all = Array.from({ length: 20 }, (_, i) => deadlines.set(100, note(`${i}`)))
    clock.advance(100)
    const called: number[] = []
    while (deadlines.size > 0) {
      called.push(log.length)
      all[19]?.cancel()
      await new Promise(setImmediate)
    }
    expect(called.length).toBeGreaterThan(5)
    expect(log.map((line) => line.split('@')[0])).toEqual(Array.from({ length: 19 }, (_, i) => `${i}`))
  })

  it('lets a callback set the next deadline', () => {
    const { clock, deadlines, log, note } = setUp()
    const again = (): void => {
      note('tick')()
      if (log.length < 4) deadlines.set(10, again)
    }
    deadlines.set(10, again)
    clock.advance(100)
    expect(log).toEqual(['tick@10', 'tick@20', 'tick@30', 'tick@40'])
    expect(clock.pending).toBe(0)
  })

  it('keeps the process alive only while somebody waits', () => {
    const { clock, deadlines, note } = setUp()
    const a = deadlines.set(100, note('a'))
    const b = deadlines.set(200, note('b'))
    expect([clock.pending, clock.referenced]).toEqual([1, 1])
    a.cancel()
    expect(clock.referenced).toBe(1)
    b.cancel()
    expect([clock.pending, clock.referenced]).toEqual([1, 0])
    deadlines.set(300, note('c'))
    expect(clock.referenced).toBe(1)
    clock.advance(300)
    expect([clock.pending, clock.referenced]).toEqual([0, 0])
  })

  it('keeps it alive for those that remain when some have passed', () => {
    const { clock, deadlines, note } = setUp()
    deadlines.set(100, note('a'))
    deadlines.set(200, note('b'))
    clock.advance(100)
    expect([clock.pending, clock.referenced]).toEqual([1, 1])
  })

  it('rounds up to whole milliseconds, and takes zero and less for "as soon as possible"', () => {
    const { clock, deadlines, log, note } = setUp()
    deadlines.set(1.2, note('a'))
    deadlines.set(0, note('b'))
    deadlines.set(-5, note('c'))
    expect(log).toEqual([])
    clock.advance(1)
    expect(log).toEqual(['b@1', 'c@1'])
    clock.advance(1)
    expect(log).toEqual(['b@1', 'c@1', 'a@2'])
  })

  it('takes durations longer than the longest timer there is', () => {
    const { clock, deadlines, log, note } = setUp()
    const days = 40 * 86_400_000
    deadlines.set(days, note('a'))
    deadlines.set(Infinity, note('never'))
    clock.advance(days - 1)
    expect([log, clock.pending]).toEqual([[], 1])
    clock.advance(1)
    expect(log).toEqual([`a@${days}`])
    expect([deadlines.size, clock.pending]).toEqual([1, 0])
  })

  it('calls nobody after close, and counts rightly when those who waited cancel afterwards', () => {
    const { clock, deadlines, log, note } = setUp()
    const a = deadlines.set(100, note('a'))
    deadlines.set(200, note('b'))
    deadlines.close()
    expect([deadlines.size, clock.pending]).toEqual([0, 0])
    a.cancel()
    expect(deadlines.size).toBe(0)
    clock.advance(1_000)
    expect(log).toEqual([])
    const c = deadlines.set(10, note('c'))
    expect([deadlines.size, clock.pending, clock.referenced]).toEqual([1, 1, 1])
    c.cancel()
    expect([deadlines.size, clock.referenced]).toEqual([0, 0])
  })

  it('may be closed by a callback, also when others were due', () => {
    const { clock, deadlines, log, note } = setUp()
    deadlines.set(10, () => deadlines.close())
    deadlines.set(10, note('b'))
    deadlines.set(20, note('c'))
    clock.advance(100)
    expect([log, deadlines.size, clock.pending]).toEqual([[], 0, 0])
  })

  it('does not gather lists: memory stays flat over a hundred thousand different durations', () => {
    const { clock, deadlines } = setUp()
    const lists = countLists(() => {
      for (let ms = 1; ms <= 100_000; ms++) deadlines.set(ms, () => {}).cancel()
    })
    expect(lists).toBeLessThanOrEqual(6)
    const expired = countLists(() => {
      for (let ms = 1; ms <= 200; ms++) deadlines.set(ms + 500_000, () => {})
      clock.advance(1_000_000)
    })
    expect(expired).toBeLessThanOrEqual(6)
    expect(deadlines.size).toBe(0)
  })

  it('works on the machine’s own clock', async () => {
    const deadlines = new Deadlines(systemClock)
    const start = performance.now()
    await new Promise<void>((resolve) => deadlines.set(20, () => resolve()))
    expect(performance.now() - start).toBeGreaterThanOrEqual(20)
    expect(deadlines.size).toBe(0)
    deadlines.close()
  })
})

/** How many numeric keys more the Maps hold that `run` adds to than it takes away again. */
function countLists(run: () => void): number {
  let balance = 0
  const { set, delete: remove } = Map.prototype
  Map.prototype.set = function (this: Map<unknown, unknown>, key: unknown, value: unknown) {
    if (typeof key === 'number' && !this.has(key)) balance++
    return set.call(this, key, value) as Map<unknown, unknown>
  } as typeof set
  Map.prototype.delete = function (this: Map<unknown, unknown>, key: unknown) {
    const gone = remove.call(this, key)
    if (gone && typeof key === 'number') balance--
    return gone
  }
  try {
    run()
  } finally {
    Map.prototype.set = set
    Map.prototype.delete = remove
  }
  return balance
}
