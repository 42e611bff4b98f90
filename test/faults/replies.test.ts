import { describe, expect, it } from 'vitest'
import { WAYS } from '../lab/proofs/replies-cases.ts'
import { runControls } from '../lab/proofs/replies-control.ts'
import { isClean, runReplies } from '../lab/proofs/replies-run.ts'
import { neverAny } from '../support/steady.ts'

// In short; `npm run prove -- replies` spoils 3,000 replies and reads a million keys.

describe('replies that are cut, garbled or surplus', () => {
  it('never give a wrong, half or stale value, and no call is late', async () => {
    const result = await runReplies({ faults: 40, reads: 15_000, pairs: 6, readers: 4, seed: 1 })
    neverAny({ violations: result.violations })
    expect([result, isClean(result)]).toEqual([result, true])
    expect(result.ways.map(({ way }) => way)).toEqual(WAYS)
    for (const { faults, bytes } of result.ways) {
      expect(Object.values(faults).reduce((sum, count) => sum + count, 0)).toBe(40)
      expect(bytes).toBeGreaterThan(20)
    }
    expect(result.reached).toBeGreaterThanOrEqual(15_000)
    expect(result.hits).toBeGreaterThan(result.reached / 2)
  })

  it('control: give some to a cache that stores values without a key check', async () => {
    const ways = ['ioredis 5', 'ioredis 6'] as const
    const result = await runReplies({ faults: 24, reads: 2_000, pairs: 8, readers: 4, seed: 1, ways, naive: true })
    expect(result.wrong + result.halves).toBeGreaterThan(0)
  })

  it('control: give some to client libraries alone', async () => {
    for (const { who, wrong, stuck } of await runControls()) expect([who, wrong + stuck > 0]).toEqual([who, true])
  })
})
