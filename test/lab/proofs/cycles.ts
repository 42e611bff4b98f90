import { parseArgs } from 'node:util'
import pc from 'picocolors'
import { numberFlag } from '../chaos/flags.ts'
import { runCycles, type CyclesOptions, type CyclesRow } from './cycles-run.ts'
import { bar } from './progress.ts'

export const name: string = 'cycles'
export const about: string =
  'a node that comes back never serves what was deleted while it was away: [--cycles 500] [--control 40]'

/** Runs the proof and its control; resolves to the exit code. */
export async function run(flags: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...flags],
    options: { cycles: { type: 'string', default: '500' }, control: { type: 'string', default: '40' } },
  })
  const cycles = numberFlag('cycles', values.cycles, [2, 1_000_000])
  const control = numberFlag('control', values.control, [2, 1_000_000])
  const rows = await watched({ cycles })
  console.log(table('As it is', rows))
  const naive = await watched({ cycles: control, naive: true })
  console.log(table('Control: journal, circuits and fences switched off', naive))
  const good = rows.every((row) => row.again + row.secondAgain + row.failed === 0)
  const controlled = sum(naive, 'again') > 0 && sum(naive, 'secondAgain') > 0
  const proved = pc.green('0 deleted keys read again, by either process; the control has some')
  console.log(good && controlled ? proved : pc.red(good ? 'the control found nothing' : 'deleted keys were read again'))
  return good && controlled ? 0 : 1
}

async function watched(options: CyclesOptions): Promise<CyclesRow[]> {
  const progress = bar(options.naive ? 'control' : 'cycles')
  return runCycles({ ...options, progress: progress.tell }).finally(progress.done)
}

function sum(rows: readonly CyclesRow[], name: 'again' | 'secondAgain'): number {
  return rows.reduce((all, row) => all + row[name], 0)
}

function table(title: string, rows: readonly CyclesRow[]): string {
  const head = ['server', 'taken down', 'cycles', 'keys deleted', 'reads', 'again', 'second process', 'again']
  const lines = rows.map((row) => [
    row.kind,
    row.way,
    ...[row.cycles, row.deleted, row.reads, row.again, row.secondReads, row.secondAgain].map((n) =>
      n.toLocaleString('en-US'),
    ),
  ])
  const widths = head.map((word, i) => Math.max(word.length, ...lines.map((cells) => cells[i]!.length)))
  const line = (cells: readonly string[]): string =>
    cells.map((cell, i) => (i < 2 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  ')
  return ['', pc.bold(title), pc.dim(line(head)), ...lines.map(line)].join('\n')
}
