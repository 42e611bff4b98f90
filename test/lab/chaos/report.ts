import pc from 'picocolors'
import { HEAP_BOUND, type ChaosReport } from './run.ts'

/** A report as a table for the terminal; what breaks an invariant stands out. */
export function renderReport(report: ChaosReport): string {
  const { events } = report
  const faults = Object.entries(report.faults).toSorted(([, a], [, b]) => b - a)
  const sum = faults.reduce((all, [, count]) => all + count, 0)
  return [
    section(`Faults: ${sum}`, columns(faults.map(([kind, count]) => `${String(count).padStart(4)}  ${kind}`))),
    section('Invariants', [
      row('I1 late', report.late, `of ${whole(report.calls)} calls; the latest ${lateness(report.latest)}`),
      row('I2 unhandled', report.unhandled.length, report.unhandled.join('; ')),
      row('I3 wrong', report.wrong, `of ${whole(report.reads)} keys read, ${whole(report.hits)} of them found`),
      row('I4 stale', report.stale, ''),
      ...Object.entries(report.allowed).map(([name, count]) => plain('   allowed', count, name)),
      row('I5 duplicates', report.duplicates, `of ${whole(report.loads)} loads`),
      row('I6 handles', report.handles.length, `left; ${report.handles.join(', ')}`.replace(/; $/, '')),
      row('   heap', report.heap < HEAP_BOUND ? 0 : 1, heap(report.heap)),
      row('rejected', total(report.rejected), Object.keys(report.rejected).join(', ')),
      row('not recovered', report.recovered ? 0 : 1, 'circuits closed and journals empty at the end: 0'),
    ]),
    section('What the caches did', [
      plain('circuits opened', events.circuitsOpened, ''),
      plain('deletes noted', events.journaled, `${whole(events.replayed)} replayed`),
      plain('   given up', events.journalDropped, 'with nodes that left'),
      plain('fences', events.fences, ''),
      plain('failovers', events.failovers, ''),
      plain('node errors', events.nodeErrors, 'in keys'),
    ]),
    ...(report.violations.length === 0 ? [] : [renderViolations(report)]),
  ].join('\n\n')
}

function renderViolations({ seed, violations, trace = [] }: ChaosReport): string {
  const lines = violations.map((text) => pc.red(`  ${text}`))
  const around = trace.map((line) => pc.dim(`  ${line}`))
  const again = `The same faults again: npm run chaos -- --seed ${seed} --seconds <as before>`
  return [pc.bold(pc.red('Violations')), ...lines, '', pc.bold('Around the first one'), ...around, '', again].join('\n')
}

function section(title: string, lines: readonly string[]): string {
  return [pc.bold(title), ...lines].join('\n')
}

function row(name: string, bad: number, about: string): string {
  return (bad === 0 ? pc.green : pc.red)(plain(name, bad, about))
}

function plain(name: string, count: number, about: string): string {
  return `  ${name.padEnd(17)}${whole(count).padStart(8)}  ${about}`.trimEnd()
}

function columns(cells: readonly string[]): string[] {
  const rows = Math.ceil(cells.length / 3)
  return Array.from({ length: rows }, (_, at) =>
    [0, 1, 2]
      .map((column) => `  ${(cells[column * rows + at] ?? '').padEnd(24)}`)
      .join('')
      .trimEnd(),
  )
}

function lateness(ms: number): string {
  return ms < 0 ? `${-ms} ms before its deadline` : `${ms} ms after its deadline`
}

function heap(bytes: number): string {
  const mib = (size: number): string => (size / 1024 / 1024).toFixed(1)
  return `grew by ${mib(bytes)} MiB from before the caches to after them; at most ${mib(HEAP_BOUND)} MiB`
}

function total(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0)
}

function whole(number: number): string {
  return number.toLocaleString('en-US')
}
