import { progressBar } from '../kit/progress.ts'
import { OURS as OURS_IN_L1, ROWS } from '../l1/contenders.ts'
import { countSteps as countL1, measureL1 } from '../l1/measure.ts'
import { oursWithoutL1 } from '../kit/ours.ts'
import { IN_FLIGHT, MISSING } from '../loader/contenders.ts'
import { measureMisses } from '../loader/measure.ts'
import { BY_HAND } from '../loader/names.ts'
import { countSteps as countRouting, measureRouting } from '../routing/measure.ts'
import { TABLES, type Case } from '../throughput/cases.ts'
import type { ThroughputContender } from '../throughput/client.ts'
import { BASELINE, contendersOf } from '../throughput/contenders.ts'
import { countSteps as countThroughput, measureThroughput } from '../throughput/measure.ts'
import { isOurs, l1Row, missRow, ofL1, ofMisses, ofRouting, ofThroughput, throughputRow } from './comparisons.ts'
import type { Comparison, Floors } from './floors.ts'

/** How much is measured; times in milliseconds. */
export interface Effort {
  /** Keys that are routed in one round. */
  readonly keys: number
  readonly rounds: number
  readonly round: number
  readonly warmUp: number
}

/** Measures what there are floors for, and nothing else but what that is compared through. */
export async function measureFor(floors: Floors, effort: Effort): Promise<Comparison[]> {
  return [
    ...(await measureRoutes(floors, effort)),
    ...(await measureHits(floors, effort)),
    ...(await measureLoads(floors, effort)),
    ...(await measureCalls(floors, effort)),
  ]
}

async function measureRoutes(floors: Floors, { keys, rounds }: Effort): Promise<Comparison[]> {
  if (!Object.keys(floors).some((row) => row.startsWith('routing:'))) return []
  const progress = progressBar(countRouting({ keys, rounds }))
  const results = await measureRouting({ keys, rounds }, progress)
  progress.done()
  return ofRouting(results)
}

async function measureHits(floors: Floors, effort: Effort): Promise<Comparison[]> {
  const rows = ROWS.map((row) => ({
    ...row,
    contenders: row.contenders.filter(({ name }) => name === OURS_IN_L1 || has(floors, l1Row(row.title), name)),
  })).filter(({ contenders }) => contenders.length > 1)
  const plan = { ...effort, rows }
  const progress = progressBar(countL1(plan))
  const results = await measureL1(plan, progress)
  progress.done()
  return ofL1(results)
}

async function measureLoads(floors: Floors, effort: Effort): Promise<Comparison[]> {
  const inFlight = IN_FLIGHT.filter((many) => floors[missRow(many)] !== undefined)
  if (inFlight.length === 0) return []
  const contenders = MISSING.filter(
    ({ name }) =>
      name === oursWithoutL1.name || name === BY_HAND || inFlight.some((many) => has(floors, missRow(many), name)),
  )
  const progress = progressBar(contenders.length * inFlight.length * (effort.rounds + 1))
  const results = await measureMisses({ ...effort, inFlight }, contenders, progress)
  progress.done()
  return ofMisses(results)
}

async function measureCalls(floors: Floors, effort: Effort): Promise<Comparison[]> {
  const tables = TABLES.map((group) => group.filter((one) => floors[throughputRow(one)] !== undefined))
  const contenders = (group: readonly Case[]): ThroughputContender[] =>
    contendersOf(group[0] as Case).filter(
      ({ name }) =>
        isOurs(name) || group.some((one) => name === BASELINE[one.kind] || has(floors, throughputRow(one), name)),
    )
  const plan = { ...effort, tables: tables.filter(({ length }) => length > 0), contenders }
  const progress = progressBar(countThroughput(plan))
  const results = await measureThroughput(plan, progress)
  progress.done()
  return ofThroughput(results)
}

function has(floors: Floors, row: string, contender: string): boolean {
  return floors[row]?.[contender] !== undefined
}
