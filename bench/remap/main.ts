import { parseArgs } from 'node:util'
import pc from 'picocolors'
import { outputs, staleOutputs, writeOutputs } from './files.ts'
import { progressBar } from '../kit/progress.ts'
import { countSteps, FULL_PLAN, measure, SMOKE_PLAN, type Plan, type Results } from './results.ts'
import { renderTerminal } from './terminal.ts'

const HELP = `npm run bench:remap -- [options]

Measures which keys move when nodes change, how even the load is, and what a change does to traffic. Prints tables and
writes bench/results/remap.json, bench/results/remap.html and the pictures docs/images/{remap,balance,traffic}.svg.
The figures are the same on every run.

  --check     measure again, write nothing, and fail when a committed file is not what this run makes
  --smoke     a quick run with few keys; writes to bench/out/, nothing that is committed
  --keys N    another number of keys (1,000,000 unless given); writes to bench/out/
  --help      this text
`

interface Options {
  readonly help: boolean
  readonly check: boolean
  readonly plan: Plan
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      check: { type: 'boolean', default: false },
      smoke: { type: 'boolean', default: false },
      keys: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  const { check, help, smoke, keys } = values
  if (check && (smoke || keys !== undefined))
    throw new Error('--check compares the full run: leave out --smoke and --keys')
  const plan = smoke ? SMOKE_PLAN : FULL_PLAN
  return { help, check, plan: keys === undefined ? plan : { ...plan, keys: keyCount(keys) } }
}

function keyCount(given: string): number {
  const count = Number(given.replaceAll(/[_,]/g, ''))
  if (Number.isSafeInteger(count) && count >= 1000 && count <= 10_000_000) return count
  throw new Error(`--keys must be a whole number from 1,000 to 10,000,000; given: ${given}`)
}

async function main({ help, check, plan }: Options): Promise<number> {
  if (help) {
    process.stdout.write(HELP)
    return 0
  }
  const results = await run(plan)
  const files = outputs(results)
  if (check) return report(await staleOutputs(files))

  console.log(renderTerminal(results))
  const written = await writeOutputs(files, plan === FULL_PLAN ? undefined : 'bench/out')
  console.log(`Written: ${written.join(', ')}`)
  return 0
}

async function run(plan: Plan): Promise<Results> {
  const progress = progressBar(await countSteps(plan))
  try {
    return await measure(plan, progress)
  } finally {
    progress.done()
  }
}

function report(stale: readonly string[]): number {
  for (const path of stale) console.error(`${pc.red('stale')} ${path}: run npm run bench:remap and commit the result`)
  if (stale.length === 0) console.log('The committed results and pictures of bench:remap are up to date.')
  return stale.length === 0 ? 0 : 1
}

let options: Options | undefined
try {
  options = readOptions()
} catch (error) {
  console.error(`${pc.red((error as Error).message)}\n\n${HELP}`)
  process.exitCode = 2
}
if (options !== undefined) process.exitCode = await main(options)
