import { parseArgs } from 'node:util'
import pc from 'picocolors'
import { numberFlag } from '../chaos/flags.ts'
import { table, whole } from './in-flight-table.ts'
import { bar } from './progress.ts'
import { runControls, type Control } from './replies-control.ts'
import { isClean, runReplies, type RepliesResult } from './replies-run.ts'

export const name: string = 'replies'
export const about: string =
  'cut, garbled and surplus replies never give a wrong value: [--faults 1000, per client] [--reads 1000000] [--pairs 12, per client] [--seed 1]'

/** How many nodes are read at the same time: more would only wait for this process. */
const READERS = 6
/** Spoilt replies of the control, per client. */
const CONTROL = 60

/** Runs the proof and its controls; resolves to the exit code. */
export async function run(flags: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...flags],
    options: {
      faults: { type: 'string', default: '1000' },
      reads: { type: 'string', default: '1000000' },
      pairs: { type: 'string', default: '12' },
      seed: { type: 'string', default: '1' },
    },
  })
  const faults = numberFlag('faults', values.faults, [1, 1_000_000])
  const reads = numberFlag('reads', values.reads, [1, 1_000_000_000])
  const pairs = numberFlag('pairs', values.pairs, [1, 100])
  const seed = numberFlag('seed', values.seed, [0, 2 ** 31 - 1])
  const progress = bar('spoilt replies')
  const options = { faults, reads, pairs, readers: READERS, seed }
  const result = await runReplies({
    ...options,
    progress: (now) => progress.tell(now.faults, now.of),
  }).finally(progress.done)
  const controls = await runControls()
  const naive = await runReplies({ ...options, faults: CONTROL, reads: 1, naive: true })
  console.log([faultTable(result), readTable(result), controlTable(controls, naive)].join('\n'))
  for (const violation of result.violations) console.log(pc.red(violation))
  const clean = isClean(result)
  const enough = result.reached >= reads
  const every = result.ways.every(({ length, bytes }) => faults < 2 * length || bytes === length)
  const controlled = naive.wrong + naive.halves > 0 && controls.every(({ wrong, stuck }) => wrong + stuck > 0)
  const problems = [
    ...(clean ? [] : ['not all invariants held']),
    ...(enough ? [] : ['too few reads reached a server']),
    ...(every ? [] : ['some bytes of a reply were left out']),
    ...(controlled ? [] : ['a control found nothing']),
  ]
  const proved = 'no wrong, half or stale value, nothing late, nothing unhandled; the controls have theirs'
  console.log(`\n${problems.length === 0 ? pc.green(proved) : pc.red(problems.join('; '))}`)
  return problems.length === 0 ? 0 : 1
}

function faultTable({ ways }: RepliesResult): string {
  const kinds = [...new Set(ways.flatMap(({ faults }) => Object.keys(faults)))].toSorted()
  const rows = kinds.map((kind) => [kind, ...ways.map(({ faults }) => whole(faults[kind] ?? 0))])
  const sums = ways.map(({ faults }) => whole(Object.values(faults).reduce((sum, count) => sum + count, 0)))
  const bytes = ways.map(({ bytes: struck, length }) => `${struck} of ${length}`)
  const all = [...rows, ['in all', ...sums], [`bytes of a GET's reply`, ...bytes]]
  return table('Spoilt replies', ['', ...ways.map(({ way }) => way)], all, 1)
}

function readTable(result: RepliesResult): string {
  const { reads, reached, hits, changes, wrong, halves, stale, late, latest, pending, rejected, unhandled } = result
  const rows = [
    ['keys read', whole(reads), ''],
    ['   from servers', whole(reached), 'by their own count'],
    ['   found', whole(hits), ''],
    ['sets and deletes', whole(changes), ''],
    ['wrong values', whole(wrong), ''],
    ['half values', whole(halves), ''],
    ['stale values', whole(stale), ''],
    ['late calls', whole(late), `the latest ${latest} ms past its deadline, stalls taken off`],
    ['pending calls', whole(pending), ''],
    ['rejected calls', whole(rejected), ''],
    ['unhandled', whole(unhandled.length), unhandled.join('; ')],
    [
      'seconds',
      whole(result.ms / 1_000),
      `the process stood still for ${(result.stalled / 1_000).toFixed(1)} s of them`,
    ],
  ]
  return table(
    'Calls',
    ['', '', ''],
    rows.map(([what = '', count = '', about = '']) => [what, count.padStart(10), about]),
    3,
  )
}

function controlTable(controls: readonly Control[], naive: RepliesResult): string {
  const rows = controls.map(({ who, fault, reads, wrong, stuck }) => [who, fault, ...[reads, wrong, stuck].map(whole)])
  const spoilt = `${CONTROL * naive.ways.length} as above`
  const naively = [naive.reads, naive.wrong + naive.halves, naive.pending].map(whole)
  rows.push([`the cache with format: 'raw'`, spoilt, ...naively])
  return table('Controls', ['who', 'fault', 'reads', 'wrong', 'never settled'], rows, 2)
}
