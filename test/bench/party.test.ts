import { describe, expect, it } from 'vitest'
import { silent } from '../../bench/kit/progress.ts'
import type { ThroughputContender } from '../../bench/throughput/client.ts'
import { CONTENDERS } from '../../bench/throughput/contenders.ts'
import { measureThroughput, type Plan } from '../../bench/throughput/measure.ts'

const named = (name: string): ThroughputContender => CONTENDERS.find((one) => one.name === name) as ThroughputContender
/** Its process knows nobody of that name. */
const nobody = { ...named('ioredis 5'), name: 'nobody' }

const plan = (contenders: readonly ThroughputContender[]): Plan => ({
  tables: [[{ kind: 'redis', nodes: 1, size: 100, operation: 'get', inFlight: 1 }]],
  contenders: () => contenders,
  rounds: 1,
  round: 20,
  warmUp: 20,
})

describe('a contender that fails', () => {
  it('is left out, and says why; the others are measured', async () => {
    const all = [named('sharded-cache'), nobody, named('ioredis 5')]
    const { cases, leftOut } = await measureThroughput(plan(all), silent)
    expect(cases[0]?.measured.map(({ contender }) => contender)).toEqual(['sharded-cache', 'ioredis 5'])
    expect(leftOut).toEqual([{ name: 'nobody', why: expect.stringMatching(/^from “.*there is no contender nobody$/) }])
  })

  it('ends all when nothing can be compared without it', async () => {
    const broken = { ...named('ioredis 5'), instead: { ioredis5: 'no-such-package' } }
    await expect(measureThroughput(plan([named('sharded-cache'), broken]), silent)).rejects.toThrow(
      /no-such-package|ended/,
    )
  })
})
