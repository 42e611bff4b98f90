/** One process of the stampede proof: many callers who want the same key at once. */
import { ShardedCache } from '../../../src/cache.ts'
import { redisNode } from '../../../src/redis/index.ts'
import { StallMeter } from '../meters.ts'
import { withoutLeases } from './races-off.ts'
import type { StampedeAnswers, StampedePlan, StampedeReport } from './stampede-plan.ts'

process.once('disconnect', () => process.exit())
process.once('message', (told: { plan: StampedePlan; url: string }) => void prepare(told.plan, told.url))

function tell(report: StampedeReport): void {
  process.send?.(report)
}

async function prepare(plan: StampedePlan, url: string): Promise<void> {
  const node = redisNode(url, { id: 'node' })
  const cache = await ShardedCache.create({
    nodes: [plan.naive ? withoutLeases(node) : node],
    // A machine that is busy must not look like a node that fails.
    nodeTimeout: '5s',
    lease: plan.lease,
  })
  process.on('message', (key: string) => void stampede(cache, plan, key).then((answers) => tell({ answers })))
  tell({ ready: true })
}

async function stampede(cache: ShardedCache, plan: StampedePlan, key: string): Promise<StampedeAnswers> {
  const stall = new StallMeter()
  const begun = performance.now()
  const load = async (): Promise<string> => {
    tell({ loading: true })
    await new Promise((resolve) => setTimeout(resolve, plan.load))
    return `of ${key}`
  }
  const asked = Array.from({ length: plan.callers }, () => cache.getOrLoad(key, load))
  const settled = await Promise.allSettled(asked)
  const slowest = performance.now() - begun
  const stalled = stall.total()
  stall.stop()
  const right = settled.filter((one) => one.status === 'fulfilled' && one.value === `of ${key}`).length
  return { answered: right, wrong: settled.length - right, slowest, stalled }
}
