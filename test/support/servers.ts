import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createConnection, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A server process on a loopback port of its own. */
export interface TestServer {
  readonly kind: 'redis' | 'memcached'
  readonly port: number
  readonly pid: number
  /** `redis://127.0.0.1:port` or `memcached://127.0.0.1:port`. */
  readonly url: string
  /** `kill -9`; resolves when the process is gone. */
  kill(): Promise<void>
  /** SIGSTOP: the process hangs, its sockets stay open. */
  pause(): void
  /** SIGCONT. */
  resume(): void
  /** Starts it again on the same port, after `kill`. */
  restart(): Promise<void>
  /** Ends it and removes its folder. Idempotent. */
  stop(): Promise<void>
}

export interface ServerOptions {
  /** More command-line arguments. */
  args?: readonly string[]
  /** By default a free one. */
  port?: number
}

const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** Starts a redis-server without persistence. */
export async function startRedis(options: ServerOptions = {}): Promise<TestServer> {
  const dir = mkdtempSync(join(tmpdir(), 'sharded-cache-redis-'))
  const port = options.port ?? (await freePort())
  const args = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', dir, '--save', '', '--appendonly', 'no']
  return launch(
    'redis',
    port,
    'redis-server',
    [...args, '--repl-diskless-sync-delay', '0', ...(options.args ?? [])],
    dir,
  )
}

/** Starts a redis-server that replicates another one; resolves when the link is up. */
export async function startReplica(primary: TestServer, options: ServerOptions = {}): Promise<TestServer> {
  const args = ['--replicaof', '127.0.0.1', `${primary.port}`, ...(options.args ?? [])]
  const server = await startRedis({ ...options, args })
  await until(
    async () => (await redisText(server.port, 'INFO replication')).includes('master_link_status:up'),
    'replication',
  )
  return server
}

/** Starts a memcached with 64 MB. */
export async function startMemcached(options: ServerOptions = {}): Promise<TestServer> {
  const dir = mkdtempSync(join(tmpdir(), 'sharded-cache-memcached-'))
  const port = options.port ?? (await freePort())
  const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : []
  const args = ['-p', `${port}`, '-U', '0', '-l', '127.0.0.1', '-m', '64', ...user, ...(options.args ?? [])]
  return launch('memcached', port, 'memcached', args, dir)
}

async function launch(
  kind: TestServer['kind'],
  port: number,
  command: string,
  args: readonly string[],
  dir: string,
): Promise<TestServer> {
  let child = await start(command, args, port)
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill(signal)
    await gone
  }
  return {
    kind,
    port,
    url: `${kind}://127.0.0.1:${port}`,
    get pid() {
      return child.pid as number
    },
    kill: () => end('SIGKILL'),
    pause: () => {
      child.kill('SIGSTOP')
      awaitStopped(child.pid as number)
    },
    resume: () => void child.kill('SIGCONT'),
    restart: async () => {
      await end('SIGKILL')
      child = await start(command, args, port)
    },
    stop: async () => {
      await end('SIGKILL')
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

async function start(command: string, args: readonly string[], port: number): Promise<ChildProcess> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data: Buffer) => (output = (output + String(data)).slice(-4000)))
  running.add(child)
  child.once('exit', () => running.delete(child))
  const failed = new Promise<never>((_, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`${command} exited with ${code}:\n${output}`)))
  })
  // The test command ends what a killed test run could not; see scripts/test.mjs.
  const register = process.env['TEST_PID_DIR']
  if (register !== undefined && child.pid !== undefined) writeFileSync(join(register, `${child.pid}`), command)
  await Promise.race([failed, until(() => accepts(port), `${command} to listen on ${port}`)])
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

/** Waits for a condition; fails after ten seconds. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what = 'a condition',
  ms = 10_000,
): Promise<void> {
  const end = Date.now() + ms
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`waited ${ms} ms for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
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

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

/** Sends one inline command over a bare connection and gives the reply's text: for looking at a server from outside. */
export function redisText(port: number, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(port, '127.0.0.1', () => socket.end(`${command}\r\nQUIT\r\n`))
    let text = ''
    socket.on('data', (data) => (text += String(data)))
    socket.once('error', reject)
    socket.once('close', () => resolve(text))
  })
}
