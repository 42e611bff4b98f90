import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import pc from 'picocolors'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** What a benchmark is told on the command line. */
export interface Flags {
  /** A run of seconds that walks every path; its figures mean nothing. */
  readonly smoke: boolean
  readonly rounds: number | undefined
}

/** Reads the flags and runs a benchmark; writes its results as JSON, under `bench/out/` for a smoke run. */
export async function runBench<R>(
  name: string,
  about: string,
  run: (flags: Flags) => Promise<{ results: R; text: string }>,
): Promise<void> {
  const help = `npm run bench:${name} -- [options]

${about}

  --smoke      a run of seconds that walks every path; its figures mean nothing; writes to bench/out/
  --rounds N   how often everything is measured
  --help       this text
`
  let flags: Flags
  try {
    const { values } = parseArgs({
      options: {
        smoke: { type: 'boolean', default: false },
        rounds: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    })
    if (values.help) {
      process.stdout.write(help)
      return
    }
    flags = { smoke: values.smoke, rounds: values.rounds === undefined ? undefined : roundsOf(values.rounds) }
  } catch (error) {
    console.error(`${pc.red((error as Error).message)}\n\n${help}`)
    process.exitCode = 2
    return
  }
  endOnSignals()
  const { results, text } = await run(flags)
  console.log(text)
  const path = `${ROOT}bench/${flags.smoke ? 'out' : 'results'}/${name}.json`
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, `${JSON.stringify(results, null, 2)}\n`)
  console.log(`\nWritten: ${relative(ROOT, path)}`)
}

/** Reads flags that are there or not, `help` among them, and answers that one and mistakes; `undefined` when there is nothing to do. */
export function readFlags<F extends string>(names: readonly F[], help: string): Record<F, boolean> | undefined {
  const options = Object.fromEntries(
    [...names, 'help'].map((name) => [name, { type: 'boolean', default: false } as const]),
  )
  try {
    const { values } = parseArgs({ options })
    if (!values['help']) return values as Record<F, boolean>
    process.stdout.write(help)
  } catch (error) {
    console.error(`${pc.red((error as Error).message)}\n\n${help}`)
    process.exitCode = 2
  }
  return undefined
}

/** Asked to end, this process runs what has to be done at the end: servers that it started would stay otherwise. */
export function endOnSignals(): void {
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)
    process.once(signal, () => process.exit(code))
}

function roundsOf(given: string): number {
  const rounds = Number(given)
  if (Number.isInteger(rounds) && rounds >= 1 && rounds <= 1_000) return rounds
  throw new Error(`--rounds must be a whole number from 1 to 1,000; given: ${given}`)
}
