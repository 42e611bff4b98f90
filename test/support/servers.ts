import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createConnection, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A server process on a port of its own, on loopback unless it was started elsewhere. */
export interface TestServer {
  readonly kind: 'redis' | 'memcached'
  readonly host: string
  readonly port: number
  readonly pid: number
  /** `redis://host:port` or `memcached://host:port`. */
  readonly url: string
  /** `kill -9`; resolves when the process is gone. */
  kill(): Promise<void>
  /** SIGSTOP: the process hangs, its sockets stay open. */
  pause(): void
  /** SIGCONT. */
  resume(): void
  /** Redis only: writes what it holds to its folder, for `restart({ data: true })`. */
  save(): Promise<void>
  /** Kills it if it still runs, and starts it again on the same port: empty, unless told to load what `save` wrote. */
  restart(options?: { data?: boolean }): Promise<void>
  /** Ends it and removes its folder. Idempotent. */
  stop(): Promise<void>
}

export interface ServerOptions {
  /** More command-line arguments. */
  args?: readonly string[]
  /** By default a free one. */
  port?: number
  /** The address it listens on; 127.0.0.1 unless given. */
  host?: string
  /** What stands before the command, for a server that is to run elsewhere. */
  prefix?: readonly string[]
}

const LOOPBACK = '127.0.0.1'

const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** Starts a redis-server that writes nothing to disk by itself. */
export async function startRedis(options: ServerOptions = {}): Promise<TestServer> {
  const { host = LOOPBACK } = options
  const dir = mkdtempSync(join(tmpdir(), 'sharded-cache-redis-'))
  const port = options.port ?? (await freePort())
  const args = ['--port', `${port}`, '--bind', host, '--dir', dir, '--save', '', '--appendonly', 'no']
  // Redis answers other addresses only when told that no password is needed.
  const open = host === LOOPBACK ? [] : ['--protected-mode', 'no']
  const all = [...args, ...open, '--repl-diskless-sync-delay', '0', ...(options.args ?? [])]
  return launch({ kind: 'redis', host, port, dir, command: [...(options.prefix ?? []), 'redis-server', ...all] })
}

/** Starts a redis-server that replicates another one; resolves when the link is up. */
export async function startReplica(primary: TestServer, options: ServerOptions = {}): Promise<TestServer> {
  const args = ['--replicaof', primary.host, `${primary.port}`, ...(options.args ?? [])]
  const server = await startRedis({ ...options, args })
  await until(
    async () => (await redisText(server.port, 'INFO replication', server.host)).includes('master_link_status:up'),
    'replication',
  )
  return server
}

/** Starts a memcached with 64 MB. */
export async function startMemcached(options: ServerOptions = {}): Promise<TestServer> {
  const { host = LOOPBACK } = options
  const dir = mkdtempSync(join(tmpdir(), 'sharded-cache-memcached-'))
  const port = options.port ?? (await freePort())
  const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : []
  const args = ['-p', `${port}`, '-U', '0', '-l', host, '-m', '64', ...user, ...(options.args ?? [])]
  return launch({ kind: 'memcached', host, port, dir, command: [...(options.prefix ?? []), 'memcached', ...args] })
}

interface Launch {
  kind: TestServer['kind']
  host: string
  port: number
  /** Removed when the server is stopped. */
  dir: string
  command: readonly string[]
}

async function launch(what: Launch): Promise<TestServer> {
  const { kind, host, port, dir } = what
  let child = await start(what)
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill(signal)
    await gone
  }
  return {
    kind,
    host,
    port,
    url: `${kind}://${host}:${port}`,
    get pid() {
      return child.pid as number
    },
    kill: () => end('SIGKILL'),
    pause: () => {
      child.kill('SIGSTOP')
      awaitStopped(child.pid as number)
    },
    resume: () => void child.kill('SIGCONT'),
    save: async () => {
      if (kind !== 'redis') throw new Error(`${kind} keeps nothing on disk`)
      let reply = ''
      // While a replica is being given its copy, the server saves nothing else.
      await until(async () => {
        reply = await redisText(port, 'SAVE', host)
        return !reply.includes('already in progress')
      }, 'redis to save')
      if (!reply.startsWith('+OK')) throw new Error(`redis did not save: ${reply}`)
    },
    restart: async ({ data = false } = {}) => {
      const dump = join(dir, 'dump.rdb')
      if (data && !existsSync(dump)) throw new Error(`${kind} has nothing to load: save() comes first`)
      await end('SIGKILL')
      if (!data) rmSync(dump, { force: true })
      child = await start(what)
    },
    stop: async () => {
      await end('SIGKILL')
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

async function start({ kind, host, port, command }: Launch): Promise<ChildProcess> {
  const [program = '', ...args] = command
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data: Buffer) => (output = (output + String(data)).slice(-4000)))
  running.add(child)
  child.once('exit', () => running.delete(child))
  const failed = new Promise<never>((_, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`${kind} exited with ${code}:\n${output}`)))
  })
  // The test command ends what a killed test run could not; see scripts/test.mjs.
  const register = process.env['TEST_PID_DIR']
  if (register !== undefined && child.pid !== undefined) {
    writeFileSync(join(register, `${child.pid}`), kind === 'redis' ? 'redis-server' : kind)
  }
  await Promise.race([failed, until(() => accepts(port, host), `${kind} to listen on ${host}:${port}`)])
  failed.catch(() => {})
  return child
}

/** A signal is on its way for a moment, thread by thread: a server that still runs would answer what comes next. */
function awaitStopped(pid: number): void {
  const tasks = `/proc/${pid}/task`
  if (!existsSync(tasks)) return
  const stopped = (task: string): boolean => /\) T /.test(readFileSync(`${tasks}/${task}/stat`, 'utf8'))
  const end = Date.now() + 2_000
  while (!readdirSync(tasks).every(stopped)) if (Date.now() > end) throw new Error(`${pid} does not stop`)
}

/** Waits for a condition; fails after half a minute. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what = 'a condition',
  ms = 30_000,
): Promise<void> {
  if (!(await soon(condition, ms))) throw new Error(`waited ${ms} ms for ${what}`)
}

/** Waits for a condition, at most `ms`, looking `every` so many; says whether it came about. */
export async function soon(
  condition: () => boolean | Promise<boolean>,
  ms: number,
  every: number = 5,
): Promise<boolean> {
  const end = Date.now() + ms
  while (!(await condition())) {
    if (Date.now() > end) return false
    await new Promise((resolve) => setTimeout(resolve, every))
  }
  return true
}

/** A port of 127.0.0.1 that nothing listens on. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}

function accepts(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, host, () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

/** Sends one inline command over a bare connection and gives the reply's text: for looking at a server from outside. */
export function redisText(port: number, command: string, host: string = LOOPBACK): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(port, host, () => socket.end(`${command}\r\nQUIT\r\n`))
    let text = ''
    socket.on('data', (data) => (text += String(data)))
    socket.once('error', reject)
    socket.once('close', () => resolve(text))
  })
}
