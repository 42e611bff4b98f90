import { createServer, type Socket } from 'node:net'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { memcachedNode } from '../../src/memcached/index.ts'
import type { NodeAdapter } from '../../src/node/contract.ts'
import { startMangler, type Fault, type Mangler } from '../memcached/mangler.ts'
import { bareContext } from '../support/context.ts'
import { startMemcached, until, type TestServer } from '../support/servers.ts'

const TTL = 600_000
const value = Buffer.from('the value of k')
const rejections: unknown[] = []
const note = (reason: unknown): void => void rejections.push(reason)
let server: TestServer
let mangler: Mangler
let adapter: NodeAdapter

/** What can be under way. None of it changes what the others answer. */
const COMMANDS: Readonly<Record<string, () => Promise<unknown>>> = {
  read: async () => (await adapter.read(['k', 'none']))[0],
  write: async () => (await adapter.write([{ key: 'w', value, ttl: TTL }]))[0],
  removal: async () => (await adapter.remove(['none']))[0],
  'conditional removal': () =>
    adapter.powers.removeIf?.('k', Buffer.from('other')).catch((error: unknown) => error) ?? Promise.resolve(),
  greeting: () => adapter.connect().catch((error: unknown) => error),
}
const NAMES = Object.keys(COMMANDS)

beforeAll(async () => {
  process.on('unhandledRejection', note)
  process.on('uncaughtException', note)
  server = await startMemcached()
  mangler = await startMangler(server.port)
})
beforeEach(async () => {
  adapter = memcachedNode(`memcached://127.0.0.1:${mangler.port}`).primary.open(bareContext)
  await adapter.connect()
  expect(await adapter.write([{ key: 'k', value, ttl: TTL }])).toEqual(['stored'])
})
afterEach(async () => {
  await adapter.close()
  await until(() => mangler.endings.length === mangler.connections, 'all connections to end')
  expect(rejections).toEqual([])
})
afterAll(async () => {
  await mangler?.stop()
  await server?.stop()
  process.off('unhandledRejection', note)
  process.off('uncaughtException', note)
})

async function perform(name: string): Promise<unknown> {
  return (COMMANDS[name] as () => Promise<unknown>)()
}

/** The bytes with which the server answers a command. */
async function replyTo(name: string): Promise<Buffer> {
  mangler.watch()
  await perform(name)
  return mangler.said
}

/** Waits until one more connection has ended, and says how. */
async function ending(before: number): Promise<string | undefined> {
  await until(() => mangler.endings.length > before, 'the connection to be thrown away')
  return mangler.endings[before]
}

async function worksOnANewConnection(connections: number): Promise<void> {
  await until(async () => (await adapter.read(['none']))[0] === undefined, 'the server to be found again')
  expect(await adapter.read(['k', 'none', 'k'])).toEqual([value, undefined, value])
  expect(mangler.connections).toBe(connections + 1)
}

/** All places in a reply; some in the long one, whose last digits come and go. */
function* places(length: number): Generator<number> {
  for (let at = 0; at < length - (length > 200 ? 100 : 0); at += length > 200 ? 61 : 1) yield at
}

describe.each(NAMES)('the reply to a %s', (name) => {
  it.each(['close', 'reset'] as const)('ended by a %s at every byte: an error, and a new connection', async (kind) => {
    const { length } = await replyTo(name)
    expect(length).toBeGreaterThanOrEqual(24)
    for (const at of places(length)) {
      const { connections, endings } = mangler
      const ended = endings.length
      const applied = mangler.arm({ kind, at })
      const [outcome] = await Promise.all([perform(name), applied])
      expect([at, outcome]).toMatchObject([at, { name: 'NodeError', code: 'ERR_NODE_DOWN' }])
      await ending(ended)
      await worksOnANewConnection(connections)
    }
  })

  it('cut at every byte, and nothing after it: the reset that a deadline brings settles it', async () => {
    const { length } = await replyTo(name)
    for (const at of places(length)) {
      const { connections, endings } = mangler
      const ended = endings.length
      const applied = mangler.arm({ kind: 'stall', at })
      const work = perform(name)
      await applied
      adapter.reset()
      expect([at, await work]).toMatchObject([at, { name: 'NodeError', code: 'ERR_NODE_DOWN' }])
      expect(await ending(ended)).toBe('ECONNRESET')
      await worksOnANewConnection(connections)
    }
  })
})

describe('what belongs to nothing', () => {
  it.each(NAMES)('the reply to a %s once more, whole or in part, while nothing is under way', async (name) => {
    const genuine = await replyTo(name)
    for (const length of [1, 12, 23, 24, genuine.length]) {
      const { connections, endings } = mangler
      const ended = endings.length
      mangler.say(genuine.subarray(0, length))
      // No operation is needed to notice it.
      expect([length, await ending(ended)]).toEqual([length, 'ECONNRESET'])
      await worksOnANewConnection(connections)
    }
  })

  it.each(NAMES)('an earlier reply to a %s before the one that is due: what is under way fails', async (name) => {
    const genuine = await replyTo(name)
    for (const at of [0, 24]) {
      for (const under of NAMES) {
        const { connections, endings } = mangler
        const ended = endings.length
        const { length } = await replyTo(under)
        const fault: Fault = { kind: 'insert', at: Math.min(at, length), bytes: genuine }
        const applied = mangler.arm(fault)
        const [outcome] = await Promise.all([perform(under), applied])
        // Behind the last byte it came too late to harm that command; everywhere else it did.
        if (fault.at < length) expect([under, at, outcome]).toMatchObject([under, at, { code: 'ERR_NODE_DOWN' }])
        expect(await ending(ended)).toBe('ECONNRESET')
        await worksOnANewConnection(connections)
      }
    }
  })

  it('all that is under way fails, and is not sent again', async () => {
    const [last] = [await replyTo('write')]
    await adapter.remove(['w'])
    const { connections, endings } = mangler
    const ended = endings.length
    server.pause()
    const work = Array.from({ length: 30 }, (_, index) =>
      index % 3 === 0 ? adapter.write([{ key: 'w', value, ttl: TTL }]) : adapter.read(['k', 'none']),
    )
    mangler.say(last)
    const outcomes = (await Promise.all(work)).flat()
    server.resume()
    expect(outcomes).toMatchObject(outcomes.map(() => ({ code: 'ERR_NODE_DOWN' })))
    expect(await ending(ended)).toBe('ECONNRESET')
    await worksOnANewConnection(connections)
    // What had reached the server may have been done; what is removed now stays removed.
    await adapter.remove(['w'])
    for (let round = 0; round < 200; round++) expect(await adapter.read(['w'])).toEqual([undefined])
  })
})

describe('a server that hangs up while it is still being written to', () => {
  it('is left at once, by a reset, not once everything was sent', async () => {
    let greeted = 0
    let hangUp: (() => void) | undefined
    let goOn: (() => void) | undefined
    let ended: string | undefined
    let received = 0
    const listener = createServer((socket: Socket) => {
      socket.on('error', (error: NodeJS.ErrnoException) => (ended = error.code))
      socket.once('data', () => {
        // The answer to the greeting: two lists of statistics, of which the second is empty.
        socket.write(Buffer.concat([...STATS, end(0), end(1)]))
        greeted++
        socket.pause()
        hangUp = () => {
          socket.end()
          goOn = () => socket.resume()
          socket.once('close', () => (received = socket.bytesRead))
        }
      })
    })
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
    const { port } = listener.address() as { port: number }
    const other = memcachedNode(`memcached://127.0.0.1:${port}`, { maxValueBytes: 2 ** 26 }).primary.open(bareContext)
    await other.connect()
    const items = Array.from({ length: 24 }, (_, index) => ({ key: `${index}`, value: Buffer.alloc(1e6), ttl: TTL }))
    const writing = other.write(items)
    hangUp?.()
    expect(await writing).toMatchObject(items.map(() => ({ code: 'ERR_NODE_DOWN' })))
    goOn?.()
    await until(() => ended !== undefined, 'the reset to arrive')
    expect([greeted, ended]).toEqual([1, 'ECONNRESET'])
    expect(received).toBeLessThan(24e6)
    await other.close()
    await new Promise((resolve) => listener.close(resolve))
  })
})

/** Where an adapter begins to count its commands. */
const FIRST = 0x7fffffff - 500
const STATS = Object.entries({ pid: 1, time: 1_000, uptime: 10, curr_items: 0, bytes: 0 }).map(([name, number]) =>
  stat(0, name, `${number}`),
)

function stat(nth: number, name: string, text: string): Buffer {
  const head = Buffer.alloc(24)
  head.writeUInt16BE(0x8110, 0)
  head.writeUInt16BE(name.length, 2)
  head.writeUInt32BE(name.length + text.length, 8)
  head.writeUInt32BE(FIRST + nth, 12)
  return Buffer.concat([head, Buffer.from(name + text)])
}

function end(nth: number): Buffer {
  return stat(nth, '', '')
}
