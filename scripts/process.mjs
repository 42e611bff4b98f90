/** Running commands: shared by the scripts. Uses nothing but what Node brings. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { constants } from 'node:os'
import { basename, delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The repository's folder. */
export const root = fileURLToPath(new URL('..', import.meta.url))

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP']

/**
 * Runs a command and waits for its end; when this process is asked to end, the command is asked, and this process lives
 * on to clean up. Never rejects.
 *
 * @param options `quiet` collects the output (both streams in one) instead of showing it; `env` adds to the environment;
 *   `cwd` is the repository unless given; `grace` is how many milliseconds the command has to end once asked (10,000)
 * @returns the exit code (128 + n when signal n ended it, 127 when it could not be started), the output, and the signal
 *   that asked this process to end, if one did
 */
export function run(command, args, { quiet = false, env = {}, cwd = root, grace = 10_000 } = {}) {
  return new Promise((resolve) => {
    const stdio = quiet ? ['ignore', 'pipe', 'pipe'] : 'inherit'
    const child = spawn(command, args, { cwd, stdio, env: { ...process.env, ...env } })
    let output = ''
    let asked
    let timer
    const forward = (signal) => {
      asked = signal
      // A terminal sends Ctrl-C to the command by itself; a second one would read as impatience.
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
      timer ??= setTimeout(() => child.kill('SIGKILL'), grace)
    }
    const done = (code) => {
      clearTimeout(timer)
      for (const signal of SIGNALS) process.off(signal, forward)
      resolve({ code, output, asked })
    }
    for (const signal of SIGNALS) process.on(signal, forward)
    if (quiet) for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data))
    child.once('error', (error) => {
      output += error.message
      done(127)
    })
    child.once('close', (code, signal) => done(code ?? 128 + (constants.signals[signal] ?? 0)))
  })
}

/** Runs npm; see {@link run}. */
export function npm(args, options) {
  // Started by npm, this process knows where npm is; that also spares Windows its npm.cmd.
  const cli = process.env.npm_execpath
  if (cli !== undefined && basename(cli) === 'npm-cli.js') return run(process.execPath, [cli, ...args], options)
  return run('npm', args, options)
}

/** Has servers found that are installed where the search path of an ordinary user does not lead. */
export function widenSearchPath() {
  const more = ['/usr/sbin', '/usr/local/bin', '/usr/local/sbin', '/opt/homebrew/bin', '/opt/homebrew/sbin']
  const given = searchPath()
  process.env.PATH = [...given, ...more.filter((folder) => !given.includes(folder))].join(delimiter)
}

/** Whether a program is on the search path. */
export function isOnPath(program) {
  return searchPath().some((folder) => existsSync(join(folder, program)))
}

function searchPath() {
  return (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
}

/** Says what is wrong, in plain words without a stack, and ends the process. */
export function fail(message) {
  console.error(message)
  process.exit(1)
}
