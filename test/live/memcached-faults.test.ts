import { createConnection, createServer, type Server, type Socket } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { memcachedNode, type MemcachedNodeOptions } from '../../src/memcached/index.ts'
import type { NodeAdapter } from '../../src/node/contract.ts'
import { bareContext } from '../support/context.ts'
import { hang } from '../memcached/raw.ts'
import { freePort, startMemcached, until, type TestServer } from '../support/servers.ts'

const TTL = 60_000
const value = Buffer.from('1')
const adapters: NodeAdapter[] = []
const rejections: unknown[] = []
const note = (reason: unknown): void => void rejections.push(reason)
let server: TestServer

beforeAll(async () => {
  process.on('unhandledRejection', note)
  process.on('uncaughtException', note)
  server = await startMemcached()
})
afterEach(async () => {
  for (const adapter of adapters.splice(0)) await adapter.close()
  expect(rejections).toEqual([])
})
afterAll(async () => {
  await server?.stop()
  process.off('unhandledRejection', note)
  process.off('uncaughtException', note)
})

function open(port: number = server.port, options?: MemcachedNodeOptions): NodeAdapter {
  const adapter = memcachedNode(`memcached://127.0.0.1:${port}`, options).primary.open(bareContext)
  adapters.push(adapter)
  return adapter
}

const times = (count: number, code: string): object[] => Array.from({ length: count }, () => ({ code }))

describe('a server that goes away', () => {
  it('killed: all that is under way settles with ERR_NODE_DOWN; started again: it is found again', async () => {
    const adapter = open()
    const { runId } = await adapter.connect()
    await hang(server)
    const work = Array.from({ length: 100 }, () => adapter.read(['a', 'b']))
    const writing = adapter.write([{ key: 'a', value, ttl: TTL }])
    await server.kill()
    expect((await Promise.all(work)).flat()).toMatchObject(times(200, 'ERR_NODE_DOWN'))
    expect(await writing).toMatchObject(times(1, 'ERR_NODE_DOWN'))

    for (let round = 0; round < 50; round++) expect(await adapter.read(['a'])).toMatchObject(times(1, 'ERR_NODE_DOWN'))
    await expect(adapter.connect()).rejects.toMatchObject({ code: 'ERR_NODE_DOWN' })
    expect(await adapter.read(['a'])).toMatchObject([{ message: expect.stringContaining('ECONNREFUSED') as string }])

    await server.restart()
    await until(async () => (await adapter.read(['a']))[0] === undefined, 'the server to be found again', 1_000)
    expect(await adapter.write([{ key: 'a', value, ttl: TTL }])).toEqual(['stored'])
    expect((await adapter.connect()).runId).not.toBe(runId)
  })

  it('down: it is left alone for a while after each attempt, however often it is asked for', async () => {
    let dials = 0
    const listener = await listen((socket) => {
      dials++
      socket.destroy()
    })
    const adapter = open(listener.port)
    const begin = performance.now()
    for (let round = 0; round < 500; round++) expect(await adapter.read(['a'])).toMatchObject(times(1, 'ERR_NODE_DOWN'))
    const elapsed = performance.now() - begin
    expect(dials).toBeGreaterThanOrEqual(1)
    expect(dials).toBeLessThanOrEqual(2 + elapsed / 100)
    await listener.stop()
  })

  it('nobody listens: connect and operations fail with ERR_NODE_DOWN', async () => {
    const adapter = open(await freePort())
    await expect(adapter.connect()).rejects.toMatchObject({ name: 'NodeError', code: 'ERR_NODE_DOWN' })
    expect(await adapter.remove(['a', 'b'])).toMatchObject(times(2, 'ERR_NODE_DOWN'))
  })

  it('a name that does not exist is a server that is down', async () => {
    const adapter = memcachedNode('memcached://does-not-exist.invalid').primary.open(bareContext)
    adapters.push(adapter)
    await expect(adapter.connect()).rejects.toMatchObject({ code: 'ERR_NODE_DOWN' })
  })
})

describe('a server that hangs', () => {
  it('reset settles everything, close settles, and it works again afterwards', async () => {
    const [adapter, other] = [open(), open()]
    await adapter.connect()
    await other.connect()
    await hang(server)
    try {
      const work = [adapter.read(['a', 'b']), adapter.remove(['a'])]
      const info = adapter.powers.info?.()
      adapter.reset()
      expect((await Promise.all(work)).flat()).toMatchObject(times(3, 'ERR_NODE_DOWN'))
      await expect(info).rejects.toMatchObject({ code: 'ERR_NODE_DOWN' })

      // Now it waits for the first answer on a new connection.
      const waiting = adapter.read(['a'])
      adapter.reset()
      expect(await waiting).toMatchObject(times(1, 'ERR_NODE_DOWN'))

      const late = other.read(['a'])
      await other.close()
      await other.close()
      expect(await late).toMatchObject(times(1, 'ERR_NODE_DOWN'))
      await expect(other.connect()).rejects.toMatchObject({ code: 'ERR_NODE_DOWN' })
    } finally {
      server.resume()
    }
    await until(async () => (await adapter.write([{ key: 'a', value, ttl: TTL }]))[0] === 'stored')
    expect(await adapter.read(['a'])).toEqual([value])
  })

  it('is left by a reset of the socket, so that the kernel does not go on sending what was given up', async () => {
    const codes: unknown[] = []
    const listener = await listen((socket) => {
      const upstream = connectTo(server.port)
      socket.on('error', (error) => codes.push((error as NodeJS.ErrnoException).code))
      socket.once('close', () => upstream.destroy())
      socket.pipe(upstream).pipe(socket)
    })
    const adapter = open(listener.port)
    await adapter.connect()
    adapter.reset()
    await until(() => codes.length > 0, 'the reset to arrive')
    expect(codes).toEqual(['ECONNRESET'])
    await listener.stop()
  })

  it('accepts and says nothing: connect settles by its time-out', async () => {
    const listener = await listen(() => {})
    const adapter = open(listener.port, { connectTimeout: 60 })
    for (let round = 0; round < 4; round++) {
      await expect(adapter.connect()).rejects.toMatchObject({ code: 'ERR_NODE_DOWN' })
    }
    await listener.stop()
  })

  it('a hung server that was connected to does not answer connect from memory', async () => {
    const adapter = open(server.port, { connectTimeout: 100 })
    await adapter.connect()
    await hang(server)
    try {
      await expect(adapter.connect()).rejects.toMatchObject({ code: 'ERR_NODE_DOWN' })
    } finally {
      server.resume()
    }
    await until(async () => (await adapter.read(['none']))[0] === undefined)
  })
})

describe('a connection that is slow to be made', () => {
  it('survives a reset, while what waited for it fails and is never sent', async () => {
    const held: { socket: Socket; bytes: Buffer[] }[] = []
    const upstreams: Socket[] = []
    let release: (() => void) | undefined
    const listener = await listen((socket) => {
      const entry = { socket, bytes: [] as Buffer[] }
      held.push(entry)
      socket.on('data', (bytes: Buffer) => entry.bytes.push(bytes))
      release = () => {
        socket.removeAllListeners('data')
        const upstream = connectTo(server.port)
        upstreams.push(upstream)
        for (const bytes of entry.bytes) upstream.write(bytes)
        socket.pipe(upstream).pipe(socket)
      }
    })
    const adapter = open(listener.port)
    const ghost = adapter.write([{ key: 'ghost', value, ttl: TTL }])
    await until(() => (held[0]?.bytes.length ?? 0) > 0, 'the greeting to be sent')
    adapter.reset()
    expect(await ghost).toMatchObject(times(1, 'ERR_NODE_DOWN'))
    const waiting = adapter.read(['ghost'])
    release?.()
    expect(await waiting).toEqual([undefined])
    expect(await adapter.read(['ghost'])).toEqual([undefined])
    expect(held).toHaveLength(1)
    await adapter.close()
    for (const upstream of upstreams) upstream.destroy()
    await listener.stop()
  })

  it('what waited longer than an operation may take is not sent any more', async () => {
    let answer: (() => void) | undefined
    const listener = await listen((socket) => {
      socket.once('data', (bytes: Buffer) => {
        answer = () => {
          const upstream = connectTo(server.port)
          socket.once('close', () => upstream.destroy())
          upstream.write(bytes)
          socket.pipe(upstream).pipe(socket)
        }
      })
    })
    const spec = memcachedNode(`memcached://127.0.0.1:${listener.port}`)
    let now = 0
    const clock = { ...bareContext.clock, monotonic: () => now }
    const adapter = spec.primary.open({ nodeTimeout: 100, clock, identified: () => {} })
    adapters.push(adapter)
    const ghost = adapter.write([{ key: 'ghost-2', value, ttl: TTL }])
    await until(() => answer !== undefined)
    now = 101
    answer?.()
    expect(await ghost).toMatchObject([{ code: 'ERR_NODE_TIMEOUT' }])
    expect(await adapter.read(['ghost-2'])).toEqual([undefined])
    await adapter.close()
    await listener.stop()
  })
})

describe('many', () => {
  it('operations at once and one after another, past the end of the numbers', async () => {
    const adapter = open()
    const keys = Array.from({ length: 40 }, (_, index) => `many-${index}`)
    await adapter.write(keys.map((key) => ({ key, value: Buffer.from(key), ttl: TTL })))
    for (let round = 0; round < 20; round++) {
      const reads = await Promise.all(keys.map((key) => adapter.read([key, 'none', key])))
      for (const [index, key] of keys.entries()) {
        expect(reads[index]).toEqual([Buffer.from(key), undefined, Buffer.from(key)])
      }
    }
  })

  it('connections, resets and faults leave no socket and no timer behind', async () => {
    const open0 = resources()
    for (let round = 0; round < 30; round++) {
      const adapter = open()
      const connecting = round % 3 === 0 ? adapter.connect().catch(() => {}) : undefined
      const reading = adapter.read(['a'])
      if (round % 2 === 0) adapter.reset()
      if (round % 5 === 0) await reading
      await adapter.close()
      await Promise.all([connecting, reading])
    }
    await until(() => resources() <= open0, 'sockets and timers to be gone')
  })

  function resources(): number {
    return process.getActiveResourcesInfo().filter((name) => /TCP|Timeout/.test(name)).length
  }
})

function connectTo(port: number): Socket {
  const socket = createConnection(port, '127.0.0.1')
  socket.on('error', () => socket.destroy())
  return socket
}

async function listen(onSocket: (socket: Socket) => void): Promise<{ port: number; stop(): Promise<void> }> {
  const sockets = new Set<Socket>()
  const listener: Server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    onSocket(socket)
  })
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  return {
    port: (listener.address() as { port: number }).port,
    stop: () =>
      new Promise((resolve) => {
        listener.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}
