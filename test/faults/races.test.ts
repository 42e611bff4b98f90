import { describe, expect, it } from 'vitest'
import type { RacesRow } from '../lab/proofs/races-plan.ts'
import { runRaces } from '../lab/proofs/races-run.ts'
import { neverAny } from '../support/steady.ts'

// Promise 3 in short; `npm run prove -- races` runs a hundred thousand of each.

const SEED = 7
const USUAL = { change: 'any', pace: 'quick', off: 'nothing', wanted: 640 } as const

const ROWS: RacesRow[] = [
  { ...USUAL, backend: 'redis', caches: 4 },
  { ...USUAL, backend: 'redis', caches: 1 },
  { ...USUAL, backend: 'memory', caches: 4 },
  { ...USUAL, backend: 'memory', caches: 1 },
  { ...USUAL, backend: 'redis', caches: 4, pace: 'slow', wanted: 64 },
  { ...USUAL, backend: 'redis', caches: 4, pace: 'still', wanted: 64 },
]

const words = ({ backend, caches, pace }: RacesRow): string =>
  `${pace} loads, ${caches} ${caches === 1 ? 'cache' : 'caches'} on ${backend}`

describe('an acknowledged delete, set or expire', () => {
  it.concurrent.each(ROWS.map((row) => [words(row), row] as const))(
    '%s: no load that began before it is read after it',
    async (_, row) => {
      const counts = await runRaces(row, { seed: SEED })
      console.log(`${words(row)}: ${JSON.stringify(counts)}`)
      neverAny({ stale: counts.stale })
      expect(counts).toMatchObject({ unacknowledged: 0, rejected: 0 })
      expect(counts.races).toBeGreaterThanOrEqual(row.wanted)
    },
  )

  const controls = ROWS.filter(({ pace }) => pace === 'quick').map((row): RacesRow => {
    return { ...row, off: row.caches === 1 ? 'leases and fences' : 'leases', wanted: 160 }
  })
  it.concurrent.each(controls.map((row) => [words(row), row] as const))(
    'control, %s: without leases, and in one process without fences, there are some',
    async (_, row) => {
      expect((await runRaces(row, { seed: SEED })).stale).toBeGreaterThan(0)
    },
  )
})
