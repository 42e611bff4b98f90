import { describe, expect, it } from 'vitest'
import { drawSoak } from '../lab/soak/chart.ts'
import { flat, soak } from '../lab/soak/run.ts'
import { heapGrowth, type Sample } from '../lab/soak/verdict.ts'
import { neverAny } from '../support/steady.ts'

// Promise 9 in short; `npm run soak` runs for minutes.

const samples = (heaps: readonly number[]): Sample[] =>
  heaps.map((heap, i) => ({ at: i * 1_000, heap, handles: 1, timers: 1, journal: 0 }))

describe('a soak', () => {
  it('under faults, heap, handles and journals are flat, and nothing is left', async () => {
    const report = await soak({ ms: 8_000, every: 500, seed: 3 })
    neverAny({ wrong: report.wrong })
    expect({ ...report, flat: flat(report) }).toMatchObject({
      flat: true,
      late: 0,
      wrong: 0,
      rejected: 0,
      unhandled: [],
      left: [],
    })
    expect(report.samples.length).toBeGreaterThan(8)
    expect(report.faults.length).toBeGreaterThan(5)
    expect(report.calls).toBeGreaterThan(1_000)
    expect(drawSoak(report)).toMatch(/^<svg .*<\/svg>\n$/s)
  })

  it('finds growth in the second half, whatever the first was like', () => {
    expect(heapGrowth(samples([9, 0, 7, 5, 5, 5, 5]))).toBe(0)
    expect(heapGrowth(samples([9, 0, 7, 10, 11, 12, 13]))).toBeCloseTo(3)
    expect(heapGrowth(samples([9, 0, 7, 13, 12, 11, 10]))).toBeCloseTo(-3)
    expect(heapGrowth([])).toBe(0)
  })
})
