import { parseArgs } from 'node:util'
import pc from 'picocolors'
import { numberFlag } from '../chaos/flags.ts'
import { runHungNode, type Pairing } from './hung-node-run.ts'
import { openBuilt } from './in-flight-cache.ts'
import { quantile } from './in-flight-run.ts'
import { table } from './in-flight-table.ts'
import { bar } from './progress.ts'

export const name: string = 'hung-node'
export const about: string =
  'a node that hangs slows the others by less than 20 %; on a quiet machine: [--pairs 20] [--seconds 2] [--rate 1500]'

/** What the median ratio must stay below. */
const BOUND = 1.2
const STATES = ['fresh', 'open'] as const
const WORDS = { fresh: 'hangs since the beginning', open: 'hangs, its circuit is open' } as const

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
  const rows: string[][] = []
  let good = true
  for (const [i, kind] of (['redis', 'memcached'] as const).entries()) {
    const results = await runHungNode({
      open: openBuilt,
      kind,
      pairs,
      seconds,
      rate,
      progress: (done) => progress.tell(i * pairs + done, 2 * pairs),
    })
    for (const state of STATES) {
      const ratios = results.map((pair) => pair[state] / pair.well)
      if (!(quantile(ratios, 0.5) < BOUND)) good = false
      rows.push([kind, WORDS[state], ...figures(results, state, ratios)])
    }
  }
  progress.done()
  const head = ['server', 'one of three', 'p99 well', 'p99 hung', 'median ratio', 'from', 'to', 'stood still']
  console.log(table(`The two others, ${pairs} pairs of ${seconds} s at ${rate} calls/s (ms)`, head, rows, 2))
  const words = good ? pc.green('less than 20 % slower') : pc.red('20 % slower or more')
  console.log(`\n${words}`)
  return good ? 0 : 1
}

function figures(results: readonly Pairing[], state: 'fresh' | 'open', ratios: readonly number[]): string[] {
  const well = quantile(
    results.map((pair) => pair.well),
    0.5,
  )
  const hung = quantile(
    results.map((pair) => pair[state]),
    0.5,
  )
  const stalled = results.reduce((sum, pair) => sum + pair.stalled[state === 'fresh' ? 1 : 2], 0)
  const all = [well, hung, quantile(ratios, 0.5), Math.min(...ratios), Math.max(...ratios)]
  return [...all.map((figure) => figure.toFixed(2)), `${Math.round(stalled)}`]
}
