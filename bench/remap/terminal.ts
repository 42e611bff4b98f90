import pc from 'picocolors'
import { balanceTable, remapTables, trafficTable, type Table } from './figures.ts'
import { whole } from './format.ts'
import type { Results } from './results.ts'

/** All tables, for a terminal. */
export function renderTerminal(results: Results): string {
  const how = results.contenders.map((contender) => `  ${contender.label.padEnd(20)}${pc.dim(contender.how)}`)
  return [
    '',
    pc.bold(`Where ${whole(results.plan.keys)} keys go when the nodes change`),
    pc.dim('Moved between old nodes: neither the old nor the new owner is the node that changed. Lost for nothing.'),
    pc.dim('Peak: the keys of the busiest node over its fair share by weight; 1 at best.'),
    '',
    ...how,
    ...[...remapTables(results), balanceTable(results), trafficTable(results)].flatMap(renderTable),
    '',
  ].join('\n')
}

/** One table, line by line. */
export function renderTable(table: Table): string[] {
  const rows = table.groups.flatMap((group) => group.rows)
  const widths = table.columns.map((column, index) =>
    Math.max(column.length, ...rows.map((row) => (row.cells[index] ?? '').length)),
  )
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, index) =>
        index === 0 ? cell.padEnd(widths[index] as number) : cell.padStart(widths[index] as number),
      )
      .join('   ')
  const lines = ['', pc.bold(pc.underline(table.title)), pc.dim(`  ${line(table.columns)}`)]
  for (const group of table.groups) {
    lines.push(pc.cyan(group.name))
    for (const row of group.rows)
      lines.push(row.ours ? pc.bold(pc.green(`  ${line(row.cells)}`)) : `  ${line(row.cells)}`)
  }
  return lines
}
