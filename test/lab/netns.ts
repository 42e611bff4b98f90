import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { startMemcached, startRedis, type ServerOptions, type TestServer } from '../support/servers.ts'
import type { Direction } from './proxy-rules.ts'

/**
 * A network of its own, reached through a virtual cable that can be made to lose every packet.
 *
 * A cable pulled in this way is silent: neither side is told anything, both go on sending again and again, a new connection
 * waits for its time-out, and what is sent again after `heal` arrives. It is done with a wrong hardware address for the
 * other side, since the other ways are not silent. Measured on Linux 6.18: with a blackhole route inside, what the client
 * sends still arrives and is done; with the inner end of the cable down, new connections fail with EHOSTUNREACH after 3 s.
 */
export interface Namespace {
  /** The address of the servers inside. */
  readonly host: string
  /** Starts a server inside, reachable at `host`. It is controlled like any other. */
  startRedis(options?: ServerOptions): Promise<TestServer>
  startMemcached(options?: ServerOptions): Promise<TestServer>
  /** From now on packets vanish: those to the servers (`up`), those to the clients (`down`), or both. */
  partition(direction?: Direction): void
  heal(): void
  /** What a server answers to lines of text from inside, whatever the cable does. */
  ask(server: TestServer, command: string): string
  /** Ends the servers and removes the network. Idempotent. */
  close(): Promise<void>
}

/** Names begin with this, the process that made it, and a number: what a process left behind can be told from what is in use. */
const PREFIX = 'sc-lab'
const RIGHTS = 'root (in a container also CAP_NET_ADMIN and CAP_SYS_ADMIN)'
const NOWHERE = '02:00:00:00:00:01'
/** 10.213.0.0/16 in networks of four addresses. */
const NETWORKS = 2 ** 14

const open = new Set<() => void>()
process.on('exit', () => {
  for (const remove of open) remove()
})

/**
 * Makes a network namespace. Needs Linux, root, and the command `ip`; a machine that lacks them fails.
 *
 * @throws Error that says what is missing
 */
export function openNamespace(): Namespace {
  assertAble()
  removeAbandoned()
  const { index, outer } = claimNetwork()
  const name = `${PREFIX}-${process.pid}-${index}`
  const [client, host] = [1, 2].map((last) => address(index * 4 + last)) as [string, string]
  const remove = (): void => {
    attempt(() => ip('link', 'del', outer))
    attempt(() => ip('netns', 'del', name))
    open.delete(remove)
  }
  open.add(remove)
  const inside = ['-n', name]
  const servers: TestServer[] = []
  try {
    ip('netns', 'add', name)
    ip('link', 'set', `${outer}p`, 'netns', name)
    ip('addr', 'add', `${client}/30`, 'dev', outer)
    ip(...inside, 'addr', 'add', `${host}/30`, 'dev', `${outer}p`)
    ip('link', 'set', outer, 'up')
    for (const device of [`${outer}p`, 'lo']) ip(...inside, 'link', 'set', device, 'up')
  } catch (error) {
    remove()
    throw error
  }
  const hardware = { up: hardwareAddress([...inside], `${outer}p`), down: hardwareAddress([], outer) }
  const route = (direction: Direction, to: string): void => {
    const [from, target, device] = direction === 'up' ? [[], host, outer] : [inside, client, `${outer}p`]
    ip(...from, 'neigh', 'replace', target, 'lladdr', to, 'nud', 'permanent', 'dev', device)
  }
  const each = (direction: Direction | undefined, run: (direction: Direction) => void): void =>
    (direction === undefined ? (['up', 'down'] as const) : [direction]).forEach(run)
  const heal = (): void => each(undefined, (direction) => route(direction, hardware[direction]))
  heal()

  let port = 6379
  const started = async (
    start: (options: ServerOptions) => Promise<TestServer>,
    options: ServerOptions = {},
  ): Promise<TestServer> => {
    const server = await start({ port: port++, ...options, host, prefix: ['ip', 'netns', 'exec', name] })
    servers.push(server)
    return server
  }
  return {
    host,
    startRedis: (options) => started(startRedis, options),
    startMemcached: (options) => started(startMemcached, options),
    partition: (direction) => each(direction, (way) => route(way, NOWHERE)),
    heal,
    ask: (server, command) => {
      const program = `const socket = require('net').connect(+process.argv[1], process.argv[2])
        socket.end(process.argv[3] + '\\r\\nquit\\r\\n').pipe(process.stdout)`
      const args = ['-e', program, `${server.port}`, host, command]
      return ip('netns', 'exec', name, process.execPath, ...args)
    },
    close: async () => {
      await Promise.all(servers.map((server) => server.stop()))
      remove()
    },
  }
}

function assertAble(): void {
  const missing: string[] = []
  if (process.platform !== 'linux') missing.push(`Linux (this is ${process.platform})`)
  else {
    if (process.getuid?.() !== 0) missing.push(RIGHTS)
    try {
      execFileSync('ip', ['-V'], { stdio: 'ignore' })
    } catch {
      missing.push('the command ip (apt-get install iproute2)')
    }
  }
  if (missing.length > 0)
    throw new Error(`The tests of silent partitions make network namespaces, which needs ${missing.join(' and ')}`)
}

/** Takes a network that no other process has: the name of its cable is the lock. */
function claimNetwork(): { index: number; outer: string } {
  for (let attempt = 0; attempt < 100; attempt++) {
    const index = (process.pid * 16 + attempt) % NETWORKS
    const outer = `sclab${index}`
    if (existsSync(`/sys/class/net/${outer}`)) continue
    try {
      ip('link', 'add', outer, 'type', 'veth', 'peer', 'name', `${outer}p`)
      return { index, outer }
    } catch (error) {
      if (!/File exists/.test(String(error))) throw error
    }
  }
  throw new Error('100 networks in a row are taken: remove those called sclab… (ip link), or try again')
}

/** A process that was killed could not remove its namespaces, nor end the servers inside. */
function removeAbandoned(): void {
  const folder = '/run/netns'
  for (const name of existsSync(folder) ? readdirSync(folder) : []) {
    const [, owner, index] = new RegExp(`^${PREFIX}-(\\d+)-(\\d+)$`).exec(name) ?? []
    if (owner === undefined || existsSync(`/proc/${owner}`)) continue
    // Two processes may find it at the same time; one of them is too late.
    attempt(() => {
      for (const pid of ip('netns', 'pids', name).split('\n').filter(Boolean)) process.kill(Number(pid), 'SIGKILL')
    })
    attempt(() => ip('link', 'del', `sclab${index}`))
    attempt(() => ip('netns', 'del', name))
  }
}

function address(offset: number): string {
  return `10.213.${offset >> 8}.${offset & 0xff}`
}

function hardwareAddress(where: string[], device: string): string {
  const [link] = JSON.parse(ip(...where, '-j', 'link', 'show', device)) as { address: string }[]
  if (!link) throw new Error(`${device} has no hardware address`)
  return link.address
}

function ip(...args: string[]): string {
  try {
    return execFileSync('ip', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  } catch (error) {
    const said = String((error as { stderr?: unknown }).stderr ?? error).trim()
    const hint = /not permitted/i.test(said) ? `; it takes ${RIGHTS}` : ''
    throw new Error(`ip ${args.slice(0, 6).join(' ')}: ${said}${hint}`, { cause: error })
  }
}

function attempt(run: () => void): void {
  try {
    run()
  } catch {
    // It was gone already.
  }
}
