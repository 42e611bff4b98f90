import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Entry, EntryTimes } from '../../src/entry/entry.ts'
import { judge, type Freshness, type Verdict } from '../../src/loading/freshness.ts'
import { memoryNode } from '../../src/node/memory.ts'
import { ManualClock, seededRandom } from '../../src/testing/index.ts'
import { makeCache } from '../support/caches.ts'

const RUNS = { seed: 4, numRuns: 2_000 }
const FRESH_UNTIL = 1_000_000

function entryOf(window: number, loadTime: number): Entry {
  return new Entry('value', 1, 1, new EntryTimes(0, FRESH_UNTIL, FRESH_UNTIL + window, loadTime, false))
}

const span = fc.integer({ min: 0, max: 1_000 })
const windows = fc.record({ staleWhileRevalidate: span, staleIfError: span })
const chance = fc.integer({ min: 0, max: 9_999 }).map((n) => n / 10_000)
const factor = fc.integer({ min: 0, max: 40 }).map((n) => n / 4)

describe('judge', () => {
  it('only ever goes on: fresh, early, stale, fallback, expired', () => {
    const order: Verdict[] = ['fresh', 'early', 'stale', 'fallback', 'expired']
    const all = fc.tuple(windows, span, span, factor, chance)
    fc.assert(
      fc.property(all, fc.array(fc.integer({ min: -2_000, max: 2_000 })), ([windows, window, load, β, r], moments) => {
        const entry = entryOf(window, load)
        const freshness: Freshness = { ...windows, earlyRefresh: β }
        // The same chance for each moment: how early an entry is refreshed is one draw per look.
        const verdicts = moments
          .toSorted((a, b) => a - b)
          .map((at) => order.indexOf(judge(entry, FRESH_UNTIL + at, () => r, freshness)))
        expect(verdicts).toEqual(verdicts.toSorted((a, b) => a - b))
      }),
      RUNS,
    )
  })

  it('counts both windows from the end of the freshness, and ends them with the entry', () => {
    fc.assert(
      fc.property(windows, span, fc.integer({ min: 0, max: 1_100 }), (windows, window, at) => {
        const verdict = judge(entryOf(window, 50), FRESH_UNTIL + at, () => 0.5, { ...windows, earlyRefresh: 1 })
        const until = (ms: number): boolean => at < Math.min(ms, window)
        if (until(windows.staleWhileRevalidate)) expect(verdict).toBe('stale')
        else if (until(windows.staleIfError)) expect(verdict).toBe('fallback')
        else expect(verdict).toBe('expired')
      }),
      RUNS,
    )
  })

  it('is early only before the end, and never without a factor or a load time', () => {
    let early = 0
    fc.assert(
      fc.property(windows, span, factor, chance, fc.integer({ min: -2_000, max: 2_000 }), (windows, load, β, r, at) => {
        const verdict = judge(entryOf(1_000, load), FRESH_UNTIL + at, () => r, { ...windows, earlyRefresh: β })
        if (at < 0) expect(['fresh', 'early']).toContain(verdict)
        if (verdict !== 'early') return
        early++
        expect(at).toBeLessThan(0)
        expect(β * load).toBeGreaterThan(0)
      }),
      RUNS,
    )
    expect(early).toBeGreaterThan(100)
  })

  it('is early as often as XFetch says: with a chance of exp(-left / (β × load time))', () => {
    const random = seededRandom(11)
    const freshness: Freshness = { staleWhileRevalidate: 0, staleIfError: 0, earlyRefresh: 3 }
    for (const left of [1, 75, 150, 300, 600]) {
      const looks = 20_000
      let early = 0
      for (let i = 0; i < looks; i++) {
        if (judge(entryOf(0, 50), FRESH_UNTIL - left, random, freshness) === 'early') early++
      }
      expect(early / looks).toBeCloseTo(Math.exp(-left / 150), 2)
    }
  })

  it('serves what is stored raw for as long as its node keeps it', () => {
    const entry: Entry = { kind: 'value', value: 1, size: 1, times: undefined }
    const freshness: Freshness = { staleWhileRevalidate: 0, staleIfError: 0, earlyRefresh: 1_000 }
    expect(judge(entry, Number.MAX_SAFE_INTEGER, () => 0.999, freshness)).toBe('fresh')
  })
})

const PERIODS = 60
/** 120,000 requests take their time on a busy machine. */
const TTL = 10_000
const LOAD = 50
const STEP = 5

interface Traffic {
  readonly loads: number
  /** Requests that were answered later than they were made. */
  readonly waited: number
  readonly requests: number
}

/** 200 requests a second for one key, on the manual clock. */
async function traffic(earlyRefresh: number, l1: boolean): Promise<Traffic> {
  const clock = new ManualClock()
  const cache = await makeCache({
    nodes: [memoryNode('m')],
    clock,
    random: seededRandom(7),
    ttl: TTL,
    earlyRefresh,
    ...(l1 ? { l1: {} } : {}),
  })
  const load = (): Promise<number> => new Promise((resolve) => clock.setTimer(() => resolve(1), LOAD))
  const first = cache.getOrLoad('key', load)
  await clock.advanceAsync(LOAD)
  await first
  let waited = 0
  let requests = 0
  const answers: Promise<void>[] = []
  for (; requests < (PERIODS * TTL) / STEP; requests++) {
    const asked = clock.monotonic()
    answers.push(
      cache.getOrLoad('key', load).then(() => {
        if (clock.monotonic() > asked) waited++
      }),
    )
    await clock.advanceAsync(STEP)
  }
  await clock.advanceAsync(LOAD)
  await Promise.all(answers)
  return { loads: cache.stats().loads.started - 1, waited, requests }
}

describe('the early refresh, at 200 requests a second, ttl 10 s, 50 ms a load', () => {
  it.each([false, true])('β = 3: at most 1.2 loads a period, and nobody waits (L1: %s)', async (l1) => {
    const { loads, waited } = await traffic(3, l1)
    expect(waited).toBe(0)
    expect(loads / PERIODS).toBeLessThanOrEqual(1.2)
    expect(loads / PERIODS).toBeGreaterThan(0.9)
  })

  it('control: without it, requests wait for a load in each period', async () => {
    const { loads, waited } = await traffic(0, false)
    expect(loads).toBeGreaterThan(PERIODS / 2)
    expect(waited).toBeGreaterThan(PERIODS / 2)
  })
})
