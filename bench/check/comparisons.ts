import type { Measured } from '../kit/stats.ts'
import type { Results as L1 } from '../l1/measure.ts'
import type { RowResult as Misses } from '../loader/measure.ts'
import type { Results as Routing } from '../routing/measure.ts'
import { titleOf, type Case } from '../throughput/cases.ts'
import type { Results as Throughput } from '../throughput/measure.ts'
import type { Comparison } from './floors.ts'

/** The names of rows begin with the benchmark that measures them. */
export function routingRow(nodes: number): string {
  return `routing: ${nodes} nodes`
}

export function l1Row(title: string): string {
  return `l1: ${title}`
}

export function throughputRow(one: Case): string {
  return `throughput: ${titleOf(one)}, ${one.inFlight} in flight`
}

export function missRow(inFlight: number): string {
  return `loader: a miss, ${inFlight} in flight`
}

export function isOurs(name: string): boolean {
  return name.startsWith('sharded-cache')
}

/** A contender without the version that some carry in their names: floors outlive versions. */
export function withoutVersion(name: string): string {
  return name.replace(/ \d+\.\d+\.\d+$/, '')
}

export function ofRouting({ lookups }: Routing): Comparison[] {
  return lookups.flatMap(({ nodes, measured }) => compare(routingRow(nodes), measured, 'time'))
}

export function ofL1({ rows }: L1): Comparison[] {
  return rows.flatMap(({ title, measured }) => compare(l1Row(title), measured, 'time'))
}

export function ofThroughput({ cases }: Throughput): Comparison[] {
  return cases.flatMap((one) => compare(throughputRow(one), one.measured, 'calls'))
}

export function ofMisses(rows: readonly Misses[]): Comparison[] {
  return rows.flatMap(({ inFlight, measured }) => compare(missRow(inFlight), measured, 'time'))
}

/** Of times, less is faster; of calls, more is. */
function compare(row: string, measured: readonly Measured[], unit: 'time' | 'calls'): Comparison[] {
  const ours = measured.find(({ contender }) => isOurs(contender))
  if (!ours) return []
  return measured
    .filter(({ contender }) => !isOurs(contender))
    .map(({ contender, ratio }) => ({
      row,
      contender: withoutVersion(contender),
      ratio: unit === 'time' ? ratio / ours.ratio : ours.ratio / ratio,
    }))
}
