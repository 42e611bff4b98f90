import { percent, whole } from './format.ts'
import type { RemapRow } from './measure.ts'
import type { Results } from './results.ts'
import type { TrafficResult } from './traffic.ts'
import type { Change } from './workload.ts'

/** A table as text: the terminal and the page show the same ones. */
export interface Table {
  readonly title: string
  /** The first column names the row, the others hold figures. */
  readonly columns: readonly string[]
  readonly groups: readonly { readonly name: string; readonly rows: readonly Row[] }[]
}

/** One line of a table. */
export interface Row {
  readonly cells: readonly string[]
  /** Whether this is the library's own default, which is set off. */
  readonly ours: boolean
}

const CHANGE_TITLES: Record<Change, string> = {
  add: 'One node joins',
  remove: 'One node leaves',
  double: 'One node doubles its weight',
}

/** One table per kind of change. */
export function remapTables({ contenders, plan, remap }: Results): Table[] {
  const labels = new Map(contenders.map(({ id, label }) => [id, label]))
  const group = (change: Change, nodes: number): Table['groups'][number] => {
    const rows = remap.filter((row) => row.change === change && row.nodes === nodes)
    const ideal = percent(rows[0]?.idealPercent ?? 0, 2)
    return {
      name: `${groupName(change, nodes)} · ideal: ${ideal} moved`,
      rows: rows.map((row) => ({
        cells: [labels.get(row.contender) ?? row.contender, ...remapCells(row)],
        ours: row.contender === 'ring-1024',
      })),
    }
  }
  return (['add', 'remove', 'double'] as const).map((change) => ({
    title: CHANGE_TITLES[change],
    columns: ['Placement', 'Moved', 'Between old nodes', 'Peak before', 'Peak after'],
    groups: plan.nodeCounts.map((nodes) => group(change, nodes)),
  }))
}

function groupName(change: Change, nodes: number): string {
  if (change === 'add') return `${nodes} → ${nodes + 1} nodes`
  if (change === 'remove') return `${nodes} → ${nodes - 1} nodes`
  return `${nodes} nodes, one from weight 1 to 2`
}

function remapCells(row: RemapRow): string[] {
  return [
    percent(row.movedPercent, 2),
    row.betweenOldKeys === 0 ? 'none' : percent(row.betweenOldPercent, 2),
    row.peakBefore.toFixed(3),
    row.peakAfter.toFixed(3),
  ]
}

/** The busiest of ten nodes over the average. */
export function balanceTable({ balance, plan }: Pick<Results, 'balance' | 'plan'>): Table {
  return {
    title: 'Balance of ten nodes',
    columns: ['Placement', 'Peak, median', 'Peak, worst'],
    groups: [
      {
        name: `${plan.balanceSets} sets of ten node names, ${whole(plan.balanceKeys)} keys each`,
        rows: balance.map((row) => ({
          cells: [row.label, row.median.toFixed(3), row.worst.toFixed(3)],
          ours: row.contender === 'ring-1024',
        })),
      },
    ],
  }
}

/** What the change of nodes did to the traffic. */
export function trafficTable({ plan, traffic }: Results): Table {
  const [modulo, ring] = traffic as [TrafficResult, TrafficResult]
  const { nodes, requests, changeAt } = plan.traffic
  const line = (name: string, of: (result: TrafficResult) => string): Row => ({
    cells: [name, of(modulo), of(ring)],
    ours: false,
  })
  return {
    title: 'Traffic while a node joins',
    columns: ['', 'modulo', 'ring'],
    groups: [
      {
        name: `${nodes} → ${nodes + 1} nodes after ${whole(changeAt)} of ${whole(requests)} requests`,
        rows: [
          line('Hit rate before', (result) => percent(result.hitRateBefore, 2)),
          line('Hit rate, lowest after', (result) => percent(result.hitRateLowest, 2)),
          line('Hit rate at the end', (result) => percent(result.hitRateLast, 2)),
          line('Database calls caused by the change', (result) => whole(result.callsAfterChange)),
          ...ring.recovery.map(({ hitRate }, index) =>
            line(`Requests until back at ${hitRate} %`, (result) => recovery(result, index, requests - changeAt)),
          ),
        ],
      },
    ],
  }
}

function recovery(result: TrafficResult, index: number, available: number): string {
  const requests = result.recovery[index]?.requests
  if (requests === 0) return 'never below'
  return requests == null ? `not in ${whole(available)}` : whole(requests)
}
