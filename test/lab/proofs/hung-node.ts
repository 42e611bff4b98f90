import { parseArgs } from 'node:util'
import pc from 'picocolors'
import { numberFlag } from '../chaos/flags.ts'
import { runHungNode, type Pairing, type State } from './hung-node-run.ts'
import { openBuilt } from './in-flight-cache.ts'
import { quantile } from './in-flight-run.ts'
import { table } from './in-flight-table.ts'
import { bar } from './progress.ts'

export const name: string = 'hung-node'
export const about: string =
  'a node that hangs slows the others by less than 20 %; on a quiet machine: [--pairs 20] [--seconds 2] [--rate 1500]'

/** What the median ratio must stay below. */
const BOUND = 1.2
const KINDS = ['redis', 'memcached'] as const
const CALLS = ['get', 'getOrLoad'] as const
const WORDS = {
  fresh: 'hangs since the beginning',
  open: 'hangs, its circuit is open',
  again: 'well again, for comparison',
} as const

/** Runs the proof; resolves to the exit code. */
export async function run(flags: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...flags],
    options: {
      pairs: { type: 'string', default: '20' },
      seconds: { type: 'string', default: '2' },
      rate: { type: 'string', default: '1500' },
    },
  })
  const pairs = numberFlag('pairs', values.pairs, [1, 10_000])
  const seconds = numberFlag('seconds', values.seconds, [0.1, 600], false)
  const rate = numberFlag('rate', values.rate, [10, 100_000])
  const progress = bar('pairs')
  const parts = KINDS.flatMap((kind) => CALLS.map((calls) => ({ kind, calls })))
  const rows: string[][] = []
  let good = true
  for (const [i, part] of parts.entries()) {
    const results = await runHungNode({
      ...part,
      open: openBuilt,
      pairs,
      seconds,
      rate,
      progress: (done) => progress.tell(i * pairs + done, parts.length * pairs),
    })
    for (const state of ['fresh', 'open', 'again'] as const) {
      const ratios = results.map((pair) => pair[state].p99 / pair.well.p99)
      if (state !== 'again' && !(quantile(ratios, 0.5) < BOUND)) good = false
      rows.push([part.kind, part.calls, WORDS[state], ...figures(results, state, ratios)])
    }
  }
  progress.done()
  const head = [
    'servers',
    'asked of it',
    'one of three',
    'p99 well',
    'p99 then',
    'median ratio',
    'from',
    'to',
    'stood still',
  ]
  console.log(table(`The two others, ${pairs} pairs of ${seconds} s at ${rate} calls/s (ms)`, head, rows, 3))
  const words = good ? pc.green('less than 20 % slower') : pc.red('20 % slower or more')
  console.log(`\n${words}`)
  return good ? 0 : 1
}

function figures(results: readonly Pairing[], state: State, ratios: readonly number[]): string[] {
  const median = (of: State): number =>
    quantile(
      results.map((pair) => pair[of].p99),
      0.5,
    )
  const stalled = results.reduce((sum, pair) => sum + pair[state].stalled, 0)
  const all = [median('well'), median(state), quantile(ratios, 0.5), Math.min(...ratios), Math.max(...ratios)]
  return [...all.map((figure) => figure.toFixed(2)), `${Math.round(stalled)}`]
}
