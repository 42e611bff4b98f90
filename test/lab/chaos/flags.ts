import pc from 'picocolors'

/** What is wrong with a command line, for the person who wrote it. */
export class FlagError extends Error {}

/** A number given as a flag, in a range, whole unless `whole` is false. */
export function numberFlag(
  name: string,
  given: string,
  [least, most]: readonly [number, number],
  whole: boolean = true,
): number {
  const number = Number(given)
  if (given.trim() !== '' && number >= least && number <= most && (!whole || Number.isInteger(number))) return number
  const what = whole ? 'a whole number' : 'a number'
  throw new FlagError(`--${name} must be ${what} from ${least} to ${most}; given: ${given}`)
}

/**
 * Runs a command, and sets the exit code. What is wrong with its flags is told with the help, anything else that fails with
 * its stack. A signal ends it together with the servers it started.
 */
export async function command(help: () => string | Promise<string>, run: () => Promise<number>): Promise<void> {
  // At an orderly exit the servers are ended; a signal alone would leave them running.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1))
  try {
    process.exitCode = await run()
  } catch (error) {
    process.exitCode = 1
    const code = (error as { code?: unknown }).code
    const flags = error instanceof FlagError || (typeof code === 'string' && code.startsWith('ERR_PARSE_ARGS'))
    console.error(flags ? `${pc.red((error as Error).message)}\n\n${await help()}` : error)
  }
}
