import { parseArgs } from 'node:util'
import pc from 'picocolors'
import { numberFlag } from '../chaos/flags.ts'
import { bar } from './progress.ts'
import type { RaceCounts, RacesRow } from './races-plan.ts'
import { runRaces } from './races-run.ts'

export const name: string = 'races'
export const about: string =
  'what was deleted, set or expired is not overtaken by a load that began before: [--races 100000] [--control 2000] [--seed 1]'

type Done = RacesRow & RaceCounts

const CHANGES = ['delete', 'set', 'expire'] as const
const BACKENDS = ['redis', 'memory'] as const
/** Loads that outlive their lease take so many times as long. */
const LONG = 100

/** Runs the proof and its controls; resolves to the exit code. */
export async function run(flags: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...flags],
    options: {
      races: { type: 'string', default: '100000' },
      control: { type: 'string', default: '2000' },
      seed: { type: 'string', default: '1' },
    },
  })
  const races = numberFlag('races', values.races, [16, 10_000_000])
  const control = numberFlag('control', values.control, [16, 10_000_000])
  const seed = numberFlag('seed', values.seed, [0, 1_000_000_000])
  const rows = await runAll(planned(races), 'races', seed)
  console.log(table('As it is', rows))
  const controls = await runAll(controlled(control), 'races of the controls', seed)
  console.log(table('Controls: without leases, and in one process without its fences either', controls))
  const good = rows.every(
    ({ stale, unacknowledged, races: done, wanted }) => stale + unacknowledged === 0 && done >= wanted,
  )
  const seen = controls.every(({ stale }) => stale > 0)
  const words = good ? 'every control has some' : 'values were read that were older than an acknowledged change'
  if (good && seen) console.log(pc.green(`\n0 stale values; ${words}`))
  else console.log(pc.red(good ? '\na control found nothing' : `\n${words}`))
  return good && seen ? 0 : 1
}

function planned(races: number): RacesRow[] {
  const off = 'nothing'
  const quick = BACKENDS.flatMap((backend) =>
    ([1, 4] as const).flatMap((caches) =>
      CHANGES.map((change): RacesRow => ({ backend, caches, change, pace: 'quick', off, wanted: races })),
    ),
  )
  const long = (['slow', 'still'] as const).flatMap((pace) =>
    BACKENDS.map((backend): RacesRow => ({
      backend,
      caches: 4,
      change: 'delete',
      pace,
      off,
      wanted: Math.max(16, Math.round(races / LONG)),
    })),
  )
  return [...quick, ...long]
}

function controlled(races: number): RacesRow[] {
  return BACKENDS.flatMap((backend) =>
    ([1, 4] as const).flatMap((caches) =>
      CHANGES.map((change): RacesRow => {
        const off = caches === 1 ? 'leases and fences' : 'leases'
        return { backend, caches, change, pace: 'quick', off, wanted: races }
      }),
    ),
  )
}

async function runAll(rows: readonly RacesRow[], what: string, seed: number): Promise<Done[]> {
  const progress = bar(what)
  const of = rows.reduce((sum, { wanted }) => sum + wanted, 0)
  const all: Done[] = []
  let done = 0
  try {
    for (const row of rows) {
      const counts = await runRaces(row, { seed, progress: (more) => progress.tell((done += more), of) })
      all.push({ ...row, ...counts })
    }
  } finally {
    progress.done()
  }
  return all
}

function table(title: string, rows: readonly Done[]): string {
  const head = ['node', 'caches', 'change', 'loads are', 'races', 'changes', 'reads', 'loads', 'stale']
  const lines = rows.map(({ backend, caches, change, pace, races, changes, reads, loads, stale }) => [
    backend,
    caches === 1 ? 'one' : backend === 'redis' ? '4 processes' : '4, one process',
    change,
    pace === 'quick' ? 'quick' : pace === 'slow' ? 'slower than the lease' : 'standing still',
    ...[races, changes, reads, loads, stale].map((n) => n.toLocaleString('en-US')),
  ])
  const widths = head.map((word, i) => Math.max(word.length, ...lines.map((cells) => cells[i]!.length)))
  const line = (cells: readonly string[]): string =>
    cells.map((cell, i) => (i < 4 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  ')
  return ['', pc.bold(title), pc.dim(line(head)), ...lines.map(line)].join('\n')
}
