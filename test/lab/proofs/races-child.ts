/** One process of the races proof: does what it is told, tells how far it is, and at last what came of it. */
import { memoryNode } from '../../../src/node/memory.ts'
import { redisNode } from '../../../src/redis/index.ts'
import { seeded } from '../random.ts'
import { withoutFences, withoutLeases } from './races-off.ts'
import { addCounts, noCounts, type RacerPlan, type RacerReport } from './races-plan.ts'
import { Racer } from './races-racer.ts'
import { ownTruth, sharedTruth } from './races-truth.ts'

/** Races between two reports. */
const REPORT = 50

process.once('disconnect', () => process.exit())
process.once('message', (plan: RacerPlan) => void prepare(plan))

function tell(report: RacerReport): void {
  process.send?.(report)
}

async function prepare({ row, own, node: url, truth: port, seed }: RacerPlan): Promise<void> {
  const truth = row.backend === 'memory' ? ownTruth() : sharedTruth(port)
  const node = row.backend === 'memory' ? memoryNode('node') : redisNode(url, { id: 'node' })
  if (row.off === 'leases and fences') withoutFences()
  const spec = row.off === 'nothing' ? node : withoutLeases(node)
  const racers = await Promise.all(
    own.map((index) => Racer.start(row, index, spec, truth, seeded(seed + index * 1_000))),
  )
  process.once('message', () => void race(racers).then(() => truth.close()))
  tell({ ready: true })
}

async function race(racers: readonly Racer[]): Promise<void> {
  let races = 0
  const told = (): void => {
    if (++races % REPORT === 0) tell({ races: REPORT })
  }
  await Promise.all(racers.map((racer) => racer.run(told)))
  await Promise.all(racers.map((racer) => racer.close()))
  const counts = noCounts()
  for (const racer of racers) addCounts(counts, racer.counts)
  tell({ counts })
}
