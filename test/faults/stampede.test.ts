import { describe, expect, it } from 'vitest'
import { runStampede } from '../lab/proofs/stampede-run.ts'
import { GRACE } from '../lab/watch.ts'

// Promise 5 in short; `npm run prove -- stampede` has twice the processes, and five times the callers.

const PLAN = { processes: 4, callers: 100, lease: 3_000, load: 300, kills: false, naive: false }

describe('400 callers in four processes who want a key that is not there', () => {
  it('share one load', async () => {
    for (const { loads, answered, wrong, over } of await runStampede(PLAN, 3)) {
      expect({ loads, answered, wrong }).toEqual({ loads: 1, answered: 400, wrong: 0 })
      expect(over).toBeLessThanOrEqual(GRACE)
    }
  })

  it('share one more when the process that loads is killed, and have it within lease and load', async () => {
    for (const { loads, answered, wrong, over } of await runStampede({ ...PLAN, kills: true }, 2)) {
      expect({ answered, wrong }).toEqual({ answered: 300, wrong: 0 })
      expect(loads).toBeLessThanOrEqual(2)
      expect(over).toBeLessThanOrEqual(GRACE)
    }
  })

  it('control: without leases load once for each process', async () => {
    for (const { loads } of await runStampede({ ...PLAN, naive: true }, 1)) expect(loads).toBeGreaterThan(1)
  })
})
