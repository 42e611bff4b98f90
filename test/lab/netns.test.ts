import { execFileSync, spawn } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { createConnection, type Socket } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { redisText, until, type TestServer } from '../support/servers.ts'
import { openNamespace, type Namespace } from './netns.ts'

let namespace: Namespace
let redis: TestServer
let memcached: TestServer
const sockets: Socket[] = []

beforeAll(async () => {
  namespace = openNamespace()
  ;[redis, memcached] = await Promise.all([namespace.startRedis(), namespace.startMemcached()])
})
afterEach(() => {
  namespace.heal()
  for (const socket of sockets.splice(0)) socket.destroy()
})
afterAll(() => namespace?.close())

interface Peer {
  readonly events: readonly string[]
  send(text: string): void
}

/** A connection, and everything that it is told. */
function connect(): Peer {
  const events: string[] = []
  const socket = createConnection({ port: redis.port, host: redis.host })
  sockets.push(socket)
  socket.on('connect', () => events.push('connect'))
  socket.on('data', (chunk) => events.push(String(chunk).trim()))
  socket.on('error', (error: NodeJS.ErrnoException) => events.push(error.code ?? ''))
  socket.on('end', () => events.push('end'))
  return { events, send: (text) => void socket.write(`${text}\r\n`) }
}

/** How often this side, and that side, sends what it has sent before, on the connections to the server. */
function sentAgain(): [outside: boolean, inside: boolean] {
  const unanswered = (args: string[], filter: string): boolean =>
    /timer:\(on,/.test(execFileSync('ip', [...args, 'ss', '-tinoH', ...filter.split(' ')], { encoding: 'utf8' }))
  const self = execFileSync('ss', ['-tinoH', 'dst', redis.host], { encoding: 'utf8' })
  const name = readdirSync('/run/netns').find((each) => each.startsWith(`sc-lab-${process.pid}-`)) ?? ''
  return [/timer:\(on,.*backoff:/s.test(self), unanswered(['netns', 'exec', name], `src ${redis.host}`)]
}

async function silent(begin: () => void): Promise<Peer[]> {
  const [writer, listener] = [connect(), connect()]
  listener.send('SUBSCRIBE channel')
  await until(() => writer.events.length === 1 && listener.events.length > 1)
  const told = listener.events.length
  begin()
  writer.send('SET ghost 1')
  namespace.ask(redis, 'PUBLISH channel news')
  const late = connect()
  await until(() => sentAgain().every(Boolean), 'both sides to send again')
  expect([writer.events, listener.events.length, late.events]).toEqual([['connect'], told, []])
  return [writer, listener, late]
}

describe('a network namespace', () => {
  it('has servers that are reached and controlled like any others', async () => {
    expect(await redisText(redis.port, 'PING', redis.host)).toContain('+PONG')
    expect(namespace.ask(memcached, 'set a 0 0 1\r\n1')).toContain('STORED')
    await redisText(redis.port, 'SET kept 1', redis.host)
    await redis.save()
    await redis.restart({ data: true })
    expect(namespace.ask(redis, 'EXISTS kept')).toContain(':1')
    await redis.restart()
    expect(namespace.ask(redis, 'EXISTS kept')).toContain(':0')
  })

  it('partitioned: both sides hear nothing and send again; healed: what was sent arrives', async () => {
    const [writer, listener, late] = await silent(() => namespace.partition())
    expect(namespace.ask(redis, 'EXISTS ghost')).toContain(':0')
    namespace.heal()
    await until(() => namespace.ask(redis, 'EXISTS ghost').includes(':1'), 'what was sent again')
    await until(() => writer!.events.includes('+OK') && late!.events.includes('connect'))
    await until(() => listener!.events.at(-1)!.includes('news'))
    await redisText(redis.port, 'DEL ghost', redis.host)
  })

  it('partitioned on the way down only: what is asked is done, and nobody hears of it', async () => {
    const writer = connect()
    await until(() => writer.events.length === 1)
    namespace.partition('down')
    writer.send('SET ghost 1')
    await until(() => namespace.ask(redis, 'EXISTS ghost').includes(':1'))
    expect(writer.events).toEqual(['connect'])
    namespace.heal()
    await until(() => writer.events.includes('+OK'))
  })

  it('is gone when it is closed, and a second close does nothing', async () => {
    const other = openNamespace()
    const server = await other.startMemcached()
    expect(other.host).not.toBe(namespace.host)
    const { pid } = server
    await other.close()
    await other.close()
    expect(existsSync(`/proc/${pid}`)).toBe(false)
    expect(namespacesOf(process.pid)).toHaveLength(1)
  })

  it('is removed at the exit of a process that does not close it, and after one that was killed', async () => {
    const program = `import { openNamespace } from './test/lab/netns.ts'
      const namespace = openNamespace()
      const { pid } = await namespace.startRedis()
      console.log(pid)
      process.stdin.on('data', () => process.exit())`
    const run = async (end: (child: ReturnType<typeof spawn>) => void): Promise<[owner: number, server: number]> => {
      const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], {
        stdio: ['pipe', 'pipe', 'inherit'],
      })
      let output = ''
      child.stdout.on('data', (data) => (output += String(data)))
      await until(() => output.endsWith('\n'), 'the server of a child')
      expect(namespacesOf(child.pid!)).toHaveLength(1)
      const gone = new Promise((resolve) => child.once('exit', resolve))
      end(child)
      await gone
      return [child.pid!, Number(output)]
    }
    const [first] = await run((child) => child.stdin!.write('x'))
    expect(namespacesOf(first)).toEqual([])
    const [killed, server] = await run((child) => child.kill('SIGKILL'))
    expect(namespacesOf(killed)).toHaveLength(1)
    await openNamespace().close()
    expect(namespacesOf(killed)).toEqual([])
    await until(() => !existsSync(`/proc/${server}`), 'the server of a killed process to end')
  })

  it('says what it needs when it cannot be made', () => {
    vi.spyOn(process, 'getuid').mockReturnValue(1000)
    vi.stubEnv('PATH', '')
    expect(() => openNamespace()).toThrow(/needs root .* and the command ip \(apt-get install iproute2\)/)
    vi.unstubAllEnvs()
  })
})

function namespacesOf(pid: number): string[] {
  return readdirSync('/run/netns').filter((name) => name.startsWith(`sc-lab-${pid}-`))
}
