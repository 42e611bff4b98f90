import { parseArgs } from 'node:util'
import pc from 'picocolors'
import { numberFlag } from '../chaos/flags.ts'
import { GRACE } from '../watch.ts'
import { bar } from './progress.ts'
import type { StampedePlan, StampedeResult } from './stampede-plan.ts'
import { runStampede } from './stampede-run.ts'

export const name: string = 'stampede'
export const about: string =
  'one load of a cold key for all processes, two when the first dies: [--processes 8] [--callers 500] [--rounds 10]'

/** Milliseconds. */
const LEASE = 1_000
const LOAD = 300

interface Row {
  readonly what: string
  readonly plan: StampedePlan
  readonly results: readonly StampedeResult[]
}

/** Runs the proof and its control; resolves to the exit code. */
export async function run(flags: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...flags],
    options: {
      processes: { type: 'string', default: '8' },
      callers: { type: 'string', default: '500' },
      rounds: { type: 'string', default: '10' },
    },
  })
  const processes = numberFlag('processes', values.processes, [2, 64])
  const callers = numberFlag('callers', values.callers, [1, 100_000])
  const rounds = numberFlag('rounds', values.rounds, [1, 10_000])
  const usual = { processes, callers, lease: LEASE, load: LOAD, kills: false, naive: false }
  const plans: [string, StampedePlan][] = [
    ['all live', usual],
    ['the one that loads is killed', { ...usual, kills: true }],
    ['control: no leases', { ...usual, naive: true }],
  ]
  const progress = bar('rows')
  const rows: Row[] = []
  for (const [what, plan] of plans) {
    rows.push({ what, plan, results: await runStampede(plan, rounds) })
    progress.tell(rows.length, plans.length)
  }
  progress.done()
  const title = `${rounds} cold keys, ${processes} processes of ${callers} callers each, lease ${LEASE} ms, load ${LOAD} ms`
  console.log(table(title, rows))
  const good = rows.every(holds)
  console.log(
    good ? pc.green('\none load, two when the first died; the control has more') : pc.red('\nit does not hold'),
  )
  return good ? 0 : 1
}

function holds({ plan, results }: Row): boolean {
  const waiting = (plan.processes - (plan.kills ? 1 : 0)) * plan.callers
  return results.every(({ loads, answered, wrong, over }) => {
    if (wrong > 0 || answered !== waiting) return false
    if (plan.naive) return loads > 1
    return loads <= (plan.kills ? 2 : 1) && over <= GRACE
  })
}

function table(title: string, rows: readonly Row[]): string {
  const head = ['', 'most loads', 'answered', 'wrong', 'slowest (ms)', 'stood still', 'over its time']
  const lines = rows.map(({ what, results }) => {
    const most = (pick: (one: StampedeResult) => number): number => Math.max(...results.map(pick))
    const sum = (pick: (one: StampedeResult) => number): number => results.reduce((all, one) => all + pick(one), 0)
    const figures = [
      most(({ loads }) => loads),
      sum(({ answered }) => answered),
      sum(({ wrong }) => wrong),
      most(({ slowest }) => slowest),
      most(({ stalled }) => stalled),
      most(({ over }) => over),
    ]
    return [what, ...figures.map((figure) => Math.round(figure).toLocaleString('en-US'))]
  })
  const widths = head.map((word, i) => Math.max(word.length, ...lines.map((cells) => cells[i]!.length)))
  const line = (cells: readonly string[]): string =>
    cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  ')
  return ['', pc.bold(title), pc.dim(line(head)), ...lines.map(line)].join('\n')
}
