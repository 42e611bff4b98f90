/** The servers and tools that the tests need: finding them, installing them, ending what a test run left behind. */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync, rmSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fail, isOnPath, run } from './process.mjs'

/** The commands that the tests run, by the packages they come in. On Linux, `ip` makes networks that can be cut off. */
const APT = {
  ...(process.platform === 'linux' && { ip: 'iproute2' }),
  'redis-server': 'redis-server',
  memcached: 'memcached',
}
const BREW = { 'redis-server': 'redis', memcached: 'memcached' }
const POLICY = '/usr/sbin/policy-rc.d'

/**
 * Makes sure that redis-server, memcached and, on Linux, ip are on the search path. Installs what is missing with apt-get
 * where that is this process's business (root, or CI with sudo that asks no password); elsewhere says how, and ends the
 * process.
 */
export async function ensureServers() {
  const missing = Object.keys(APT).filter((name) => !isOnPath(name))
  if (missing.length === 0) return
  const packages = missing.map((name) => APT[name])
  const sudo = await rootCommand()
  if (sudo === undefined) {
    const brew = missing.flatMap((name) => BREW[name] ?? [])
    const ways = [
      `sudo apt-get install ${packages.join(' ')}`,
      ...(brew.length > 0 ? [`brew install ${brew.join(' ')}`] : []),
      'docker compose run --rm test',
    ]
    const what = `${list(missing)} ${missing.length > 1 ? 'are' : 'is'} missing`
    fail(`The tests run against real servers, and ${what}: ${ways.join(' | ')}`)
  }
  console.error(`Installing ${list(packages)} with apt-get (without starting the services) …`)
  const { code, output } = await withoutServices(sudo, () => install(sudo, packages))
  if (code !== 0) fail(`apt-get failed:\n${output}`)
  const still = missing.filter((name) => !isOnPath(name))
  if (still.length > 0)
    fail(`apt-get installed ${list(packages)}, but ${list(still)} cannot be found on the search path`)
}

function list(names) {
  return [names.slice(0, -1).join(', '), names.at(-1)].filter(Boolean).join(' and ')
}

/** What to put before a command to run it as root: nothing, sudo, or `undefined` when this process may not. */
async function rootCommand() {
  if (!isOnPath('apt-get')) return undefined
  if (process.getuid?.() === 0) return []
  if (!process.env.CI) return undefined
  return (await run('sudo', ['-n', 'true'], { quiet: true })).code === 0 ? ['sudo', '-n'] : undefined
}

async function install(sudo, packages) {
  const apt = ['env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-q', '-y']
  const updated = await asRoot(sudo, [...apt, 'update'])
  // A source that cannot be reached need not be the one that has these packages.
  const installed = updated.asked
    ? updated
    : await asRoot(sudo, [...apt, 'install', '--no-install-recommends', ...packages])
  return { code: installed.code, output: updated.code === 0 ? installed.output : updated.output + installed.output }
}

function asRoot(sudo, command) {
  const [first, ...rest] = [...sudo, ...command]
  return run(first, rest, { quiet: true, grace: 60_000 })
}

// Debian starts a service as soon as its package is installed, unless this script says no.
async function withoutServices(sudo, work) {
  if (existsSync(POLICY)) return work()
  const folder = mkdtempSync(join(tmpdir(), 'sharded-cache-'))
  try {
    writeFileSync(join(folder, 'policy'), '#!/bin/sh\nexit 101\n')
    const { code, output } = await asRoot(sudo, ['install', '-m', '755', join(folder, 'policy'), POLICY])
    return code === 0 ? await work() : { code, output }
  } finally {
    await asRoot(sudo, ['rm', '-f', POLICY])
    rmSync(folder, { recursive: true, force: true })
  }
}

/**
 * Ends the servers that a test run registered (a file per process id, holding the command's name) and that still live.
 * A process id may have gone to somebody else meanwhile: only what still runs that command is ended.
 *
 * @returns what was ended, as `command (pid)`
 */
export function endLeftovers(folder) {
  const ended = []
  for (const name of readdirSync(folder)) {
    const pid = Number(name)
    const command = readFileSync(join(folder, name), 'utf8')
    if (!Number.isInteger(pid) || pid <= 1 || command === '' || !commandOf(pid).includes(command)) continue
    try {
      process.kill(pid, 'SIGKILL')
      ended.push(`${command} (${pid})`)
    } catch (error) {
      if (error.code !== 'ESRCH') console.error(`${command} (${pid}) is left behind: ${error.message}`)
    }
  }
  return ended
}

/** The command line of a process; empty when it is gone. */
function commandOf(pid) {
  try {
    if (existsSync('/proc/self/cmdline')) return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
    return execFileSync('ps', ['-p', `${pid}`, '-o', 'command='], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
  } catch {
    return ''
  }
}
