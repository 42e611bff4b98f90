import { describe, expect, it } from 'vitest'
import { runCycles, type CyclesRow } from '../lab/proofs/cycles-run.ts'
import { neverAny } from '../support/steady.ts'

// Promise 7 in short; `npm run prove -- cycles` runs hundreds of cycles.

const total = (rows: readonly CyclesRow[], of: 'again' | 'secondAgain' | 'failed' | 'secondReads'): number =>
  rows.reduce((sum, row) => sum + row[of], 0)

describe('a node that comes back', () => {
  it('never serves what was deleted while it was away, to the one who deleted it or to another process', async () => {
    const rows = await runCycles({ cycles: 8, lanes: 4 })
    neverAny({ again: rows.filter(({ again, secondAgain }) => again + secondAgain > 0) })
    expect(rows.filter(({ failed }) => failed > 0)).toEqual([])
    expect(new Set(rows.map(({ way }) => way))).toEqual(new Set(['old data', 'killed', 'hung', 'cut off']))
    for (const { reads, deleted } of rows) expect(reads).toBeGreaterThan(deleted)
    expect(total(rows, 'secondReads')).toBeGreaterThan(1_000)
  })

  it('without journal and fences, does so to both', async () => {
    const rows = await runCycles({ cycles: 4, lanes: 2, naive: true })
    expect(total(rows, 'again')).toBeGreaterThan(0)
    expect(total(rows, 'secondAgain')).toBeGreaterThan(0)
  })
})
