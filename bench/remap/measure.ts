import type { WeightedId } from '../../src/placement/placement.ts'
import type { Contender, Router } from './contenders.ts'
import type { Progress } from '../kit/progress.ts'
import { CHANGES, makeKeys, makeNodes, makeScenario, type Change, type Scenario } from './workload.ts'

/** What one change did to one placement. Percentages are of all keys. */
export interface RemapRow {
  readonly nodes: number
  readonly change: Change
  readonly contender: string
  readonly movedKeys: number
  readonly betweenOldKeys: number
  readonly movedPercent: number
  /** Moved, although neither the old nor the new owner is the node that changed: moved for nothing. */
  readonly betweenOldPercent: number
  readonly idealPercent: number
  /** The busiest node's keys over its fair share, 1 at best. */
  readonly peakBefore: number
  readonly peakAfter: number
}

/** Measures every change to every number of nodes, for every contender. */
export function measureRemap(
  contenders: readonly Contender[],
  counts: readonly number[],
  keyCount: number,
  progress: Progress,
): RemapRow[] {
  const keys = makeKeys(keyCount)
  const rows: RemapRow[] = []
  for (const contender of contenders) {
    const route = contender.prepare(keys)
    for (const count of counts) {
      const before = route(makeNodes(count))
      for (const change of CHANGES) {
        progress.step(`${contender.label}: ${count} nodes, ${change}`)
        rows.push(compare(contender.id, makeScenario(count, change), before, route))
      }
    }
  }
  const rank = (row: RemapRow): number => CHANGES.indexOf(row.change) * 1000 + row.nodes
  return rows.sort((a, b) => rank(a) - rank(b))
}

/** How many steps {@link measureRemap} reports. */
export function remapSteps(contenders: readonly Contender[], counts: readonly number[]): number {
  return contenders.length * counts.length * CHANGES.length
}

function compare(contender: string, scenario: Scenario, before: Uint16Array, route: Router): RemapRow {
  const after = route(scenario.after)
  const gone = scenario.before.length
  // An owner after the change, as an index into the list before it; a node that was not there gets one past its end.
  const indexBefore = scenario.after.map(({ id }) => {
    const index = scenario.before.findIndex((node) => node.id === id)
    return index === -1 ? gone : index
  })
  const changedBefore = scenario.before.findIndex((node) => node.id === scenario.changed)
  const changed = changedBefore === -1 ? gone : changedBefore
  let moved = 0
  let betweenOld = 0
  for (let i = 0; i < before.length; i++) {
    const from = before[i] as number
    const to = indexBefore[after[i] as number] as number
    if (from === to) continue
    moved++
    if (from !== changed && to !== changed) betweenOld++
  }
  return {
    nodes: scenario.nodes,
    change: scenario.change,
    contender,
    movedKeys: moved,
    betweenOldKeys: betweenOld,
    movedPercent: round((moved / before.length) * 100, 4),
    betweenOldPercent: round((betweenOld / before.length) * 100, 4),
    idealPercent: round(scenario.ideal * 100, 4),
    peakBefore: round(peakOverFair(before, scenario.before), 4),
    peakAfter: round(peakOverFair(after, scenario.after), 4),
  }
}

/** How much the busiest node holds, over the share that its weight makes fair. */
export function peakOverFair(owners: Uint16Array, nodes: readonly WeightedId[]): number {
  const counts = new Uint32Array(nodes.length)
  for (const owner of owners) counts[owner] = (counts[owner] as number) + 1
  const weights = nodes.map((node) => node.weight ?? 1)
  const perWeight = owners.length / weights.reduce((sum, weight) => sum + weight, 0)
  return Math.max(...weights.map((weight, index) => (counts[index] as number) / (weight * perWeight)))
}

/** Rounded, so that the last bits of a division never make two machines differ. */
export function round(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}
