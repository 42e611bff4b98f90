import { beforeAll, describe, expect, it } from 'vitest'
import { silent } from '../../bench/kit/progress.ts'
import { measureTraffic, summarise, type TrafficPlan, type TrafficResult } from '../../bench/remap/traffic.ts'
import { loadHash } from '../../src/base/hash.ts'

const plan: TrafficPlan = {
  keys: 2_000,
  exponent: 0.99,
  seed: 1,
  requests: 8_000,
  window: 500,
  changeAt: 2_000,
  nodes: 10,
}
let modulo: TrafficResult
let ring: TrafficResult

beforeAll(async () => {
  ;[modulo, ring] = (await measureTraffic(plan, await loadHash(), silent)) as [TrafficResult, TrafficResult]
})

describe('traffic while a node joins', () => {
  it('hits every time before the change', () => {
    expect(modulo).toMatchObject({ placement: 'modulo', hitRateBefore: 100 })
    expect(ring).toMatchObject({ placement: 'ring', hitRateBefore: 100 })
    expect(ring.databaseCalls).toHaveLength(plan.requests / plan.window)
  })

  it('calls the database for no more keys than moved', () => {
    expect(ring.callsAfterChange).toBeGreaterThan(0)
    expect(ring.callsAfterChange).toBeLessThan(plan.keys * (1 / 11 + 0.02))
    expect(modulo.callsAfterChange).toBeGreaterThan(5 * ring.callsAfterChange)
    expect(modulo.callsAfterChange).toBeLessThan(plan.keys * (10 / 11 + 0.02))
  })

  it('keeps the ring above modulo in every window', () => {
    for (const [index, calls] of ring.databaseCalls.entries())
      expect(calls).toBeLessThanOrEqual(modulo.databaseCalls[index] as number)
    expect(ring.hitRateLowest).toBeGreaterThan(modulo.hitRateLowest)
  })

  it('gives the same figures on every run', async () => {
    expect(await measureTraffic(plan, await loadHash(), silent)).toEqual([modulo, ring])
  })
})

describe('the summary', () => {
  const recovery = (calls: number[]): (number | null)[] =>
    summarise('ring', calls, { ...plan, window: 100, changeAt: 100, requests: calls.length * 100 }).recovery.map(
      ({ requests }) => requests,
    )

  it('counts requests until the hit rate is back to stay', () => {
    expect(recovery([0, 50, 8, 3, 1, 0])).toEqual([100, 200, 300])
    // 98 % were reached once, but not kept.
    expect(recovery([0, 50, 8, 1, 3, 0])).toEqual([100, 200, 400])
  })

  it('tells never below from not in this run', () => {
    expect(recovery([0, 4, 4, 4])).toEqual([0, 0, null])
  })

  it('adds up the calls after the change only', () => {
    const summary = summarise('ring', [5, 20, 10], { ...plan, window: 100, changeAt: 100, requests: 300 })
    expect(summary).toMatchObject({ hitRateBefore: 95, hitRateLowest: 80, hitRateLast: 90, callsAfterChange: 30 })
  })
})
