import { readFile, writeFile } from 'node:fs/promises'
import pc from 'picocolors'
import { endOnSignals, readFlags } from '../kit/run.ts'
import { figure } from '../kit/table.ts'
import { judge, lowered, parseFloors, type Floor, type Verdict } from './floors.ts'
import { measureFor, type Effort } from './measure.ts'
import { judgeSeveralTimes } from './tries.ts'

const HELP = `npm run bench:check -- [options]

Measures how many times as fast as others this library is, and fails when that is below a floor of bench/floors.json.
Ratios only, never times.

  --smoke    short, for CI: a floor may be missed by a factor of 4, and is tried three times; one that nothing is
             measured for fails all the same
  --write    set the floors 15 % below what is measured now
  --help     this text
`
const FILE = new URL('../floors.json', import.meta.url)
const FULL: Effort = { keys: 500_000, rounds: 7, round: 300, warmUp: 500 }
const SMOKE: Effort = { keys: 100_000, rounds: 5, round: 20, warmUp: 30 }
/** By how much a floor may be missed in a short run: what slows a busy machine down for a moment is no regression. */
const SLACK = 4
const TRIES = 3
const BELOW = 0.15

interface Options {
  readonly smoke: boolean
  readonly write: boolean
}

async function main({ smoke, write }: Options): Promise<number> {
  endOnSignals()
  const floors = parseFloors(await readFile(FILE, 'utf8'))
  if (write) {
    await writeFile(FILE, `${JSON.stringify(lowered(floors, await measureFor(floors, FULL), BELOW), null, 2)}\n`)
    console.log('Written: bench/floors.json')
    return 0
  }
  const verdicts = smoke
    ? await judgeSeveralTimes(floors, (left, attempt) => measureFor(left, longer(SMOKE, attempt)), {
        tries: TRIES,
        slack: SLACK,
      })
    : judge(floors, await measureFor(floors, FULL))
  console.log(render(verdicts, smoke ? SLACK : 1))
  const failed = verdicts.filter(({ ok }) => !ok).length
  console.log(
    failed === 0
      ? pc.green(`\n${verdicts.length} floors hold.`)
      : pc.red(`\n${failed} of ${verdicts.length} floors do not hold.`),
  )
  return failed === 0 ? 0 : 1
}

function longer(effort: Effort, times: number): Effort {
  return { ...effort, rounds: effort.rounds * times, round: effort.round * times }
}

function render(verdicts: readonly Verdict[], slack: number): string {
  const lines = verdicts.map(({ row, contender, floor, ratio, ok }) => {
    const found = ratio === undefined ? 'not measured' : `${figure(ratio, 2)}×`
    const line = `${ok ? 'ok  ' : 'FAIL'}  ${found.padStart(12)}  ${bounds(floor).padEnd(16)}  ${row}: of ${contender}`
    return ok ? line : pc.red(line)
  })
  const note = slack === 1 ? '' : ` (a short run: may be missed by a factor of ${slack})`
  return [pc.dim(`      times as fast  floor${note}`), ...lines].join('\n')
}

function bounds({ least, most }: Floor): string {
  return [least === undefined ? '' : `at least ${least}`, most === undefined ? '' : `at most ${most}`]
    .filter((text) => text !== '')
    .join(', ')
}

const options = readFlags(['smoke', 'write'], HELP)
if (options) process.exitCode = await main(options)
