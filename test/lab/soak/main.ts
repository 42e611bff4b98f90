import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import pc from 'picocolors'
import { command, numberFlag } from '../chaos/flags.ts'
import { live } from '../chaos/live.ts'
import { drawSoak } from './chart.ts'
import { flat, soak, type SoakReport } from './run.ts'
import { GROWTH_BOUND } from './verdict.ts'

const HELP = `npm run soak -- [options]

Steady traffic while faults come and go, on the servers of the chaos run, with a look at memory, handles, timers and
journals every few seconds. Ends with a verdict and draws a chart; exit code 1 when something grew or went wrong.

  --minutes M    how long; 3 unless given
  --seed N       of the faults and the calls; 1 unless given
  --chart FILE   where the chart goes; docs/images/soak.svg unless given, and nowhere for a run of less than 3 minutes
  --help         this text
`

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
/** How many samples there are about. */
const SAMPLES = 90
/** A shorter run shows little: it does not replace the chart of a longer one. */
const WORTH_A_CHART = 3
const MIB = 1024 * 1024

await command(
  () => HELP,
  async () => {
    const { values } = parseArgs({
      options: {
        minutes: { type: 'string', default: '3' },
        seed: { type: 'string', default: '1' },
        chart: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    })
    if (values.help) {
      process.stdout.write(HELP)
      return 0
    }
    const minutes = numberFlag('minutes', values.minutes, [0.1, 10_000], false)
    const seed = numberFlag('seed', values.seed, [0, 2 ** 31 - 1])
    const ms = minutes * 60_000
    const line = live(ms)
    const every = Math.max(500, ms / SAMPLES)
    const report = await soak({ ms, every, seed, progress: (now) => line.tell(now) }).finally(line.done)
    console.log(render(report))
    const chart = values.chart ?? (minutes >= WORTH_A_CHART ? 'docs/images/soak.svg' : undefined)
    if (chart !== undefined) {
      const path = resolve(ROOT, chart)
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, drawSoak(report))
      console.log(`Drawn: ${relative(ROOT, path)}`)
    }
    return flat(report) ? 0 : 1
  },
)

function render(report: SoakReport): string {
  const { samples, calls, faults, growth, handles, left } = report
  const mib = (bytes: number): string => `${(bytes / MIB).toFixed(2)} MiB`
  const range = (of: (sample: SoakReport['samples'][number]) => number, words: (value: number) => string): string => {
    const all = samples.map(of)
    return `${words(Math.min(...all))} to ${words(Math.max(...all))}`
  }
  const bad = (count: number): string => (count === 0 ? pc.green : pc.red)(`${count}`)
  const rows = [
    ['calls', `${calls.toLocaleString('en-US')} under ${faults.length} faults`],
    ['late', bad(report.late)],
    ['wrong', bad(report.wrong)],
    ['rejected', bad(report.rejected)],
    ['unhandled', bad(report.unhandled.length)],
    ['heap', `${range((sample) => sample.heap, mib)} after garbage collection, in ${samples.length} samples`],
    ['   growth', `${mib(growth)} over the second half; flat means less than ${mib(GROWTH_BOUND)}`],
    ['handles', `${handles.before} before the traffic, ${range((sample) => sample.handles, String)} under it`],
    ['   after', `${handles.after} when all nodes were back`],
    ['timers', `${range((sample) => sample.timers, String)}, those of the traffic included`],
    [
      'journals',
      `${range((sample) => sample.journal, String)} keys; ${report.recovered ? 'empty' : pc.red('not empty')} at the end`,
    ],
    ['left', left.length === 0 ? pc.green('nothing after close()') : pc.red(left.join(', '))],
  ]
  const verdict = flat(report) ? pc.green('flat') : pc.red('not flat')
  return [...rows.map(([name, words]) => `  ${name!.padEnd(12)}${words}`), `\nVerdict: ${verdict}`].join('\n')
}
