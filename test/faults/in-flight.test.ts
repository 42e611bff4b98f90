import { describe, expect, it } from 'vitest'
import { openSource } from '../lab/proofs/in-flight-cache.ts'
import { GRACE, runBare, runInFlight } from '../lab/proofs/in-flight-run.ts'

// In short; `npm run prove -- in-flight` has 10,000 calls under way.

const CALLS = 500

describe('all six servers stopped while calls are under way', () => {
  it('loads them all in time, asks nobody while circuits are open, and recovers', async () => {
    const result = await runInFlight({
      open: openSource,
      storms: [
        { name: 'all in one turn', calls: CALLS, keys: CALLS, over: 0, loader: 0 },
        { name: 'spread, with a slow loader', calls: CALLS, keys: CALLS, over: 200, loader: 20 },
      ],
      loads: 200,
      warmUp: 2_000,
    })
    for (const { storm, answered, loads, over } of result.storms) {
      expect([storm.name, answered, loads]).toEqual([storm.name, CALLS, CALLS])
      expect(over).toBeLessThan(GRACE)
    }
    expect(result.unhandled).toEqual([])
    expect(result.left).toEqual([])
    // While circuits are open nobody waits for a deadline.
    expect(result.alone.median).toBeLessThan(GRACE)
    expect(result.together.median).toBeLessThan(GRACE)
  })

  it('control: a client library alone answers none in twice the time', async () => {
    expect(await runBare(CALLS)).toBe(0)
  })
})
