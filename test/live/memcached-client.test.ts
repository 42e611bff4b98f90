import { Client } from 'memjs'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { isCacheError } from '../../src/base/errors.ts'
import { memcachedNode, type MemcachedNodeOptions, type MemjsClient } from '../../src/memcached/index.ts'
import type { NodeAdapter } from '../../src/node/contract.ts'
import { bareContext } from '../support/context.ts'
import { describeAdapter } from '../../src/testing/index.ts'
import { startMemcached, type TestServer } from '../support/servers.ts'
import { hang, secondsLeft } from '../memcached/raw.ts'

let server: TestServer
const clients: Client[] = []
const adapters: NodeAdapter[] = []

beforeAll(async () => {
  server = await startMemcached()
})
afterEach(async () => {
  for (const adapter of adapters.splice(0)) await adapter.close()
  for (const client of clients.splice(0)) client.close()
})
afterAll(() => server?.stop())

function connect(): Client {
  const client = Client.create(`127.0.0.1:${server.port}`, { logger: { log: () => {} } })
  clients.push(client)
  return client
}

function open(client: MemjsClient, options?: MemcachedNodeOptions): NodeAdapter {
  const adapter = memcachedNode(client, options).primary.open(bareContext)
  adapters.push(adapter)
  return adapter
}

describeAdapter(
  'memcachedNode with a client of the application',
  { open: (context) => memcachedNode(connect()).primary.open(context) },
  { describe, it },
)

describe('a client of the application', () => {
  it('is known by its fingerprint, which does not show it, and gives the address', () => {
    const client = connect()
    const spec = memcachedNode(client, { weight: 2 })
    expect(spec).toMatchObject({ id: `127.0.0.1:${server.port}`, weight: 2 })
    const { fingerprint } = spec.primary
    expect(memcachedNode(client, { id: 'other' }).primary.fingerprint).toBe(fingerprint)
    expect(memcachedNode(client, { maxValueBytes: 9 }).primary.fingerprint).not.toBe(fingerprint)
    expect(memcachedNode(connect()).primary.fingerprint).not.toBe(fingerprint)
    expect(typeof fingerprint).toBe('string')
  })

  it('is neither closed nor reset', async () => {
    const client = connect()
    const adapter = open(client)
    await adapter.write([{ key: 'kept', value: Buffer.from('1'), ttl: 60_000 }])
    adapter.reset()
    await adapter.close()
    expect((await client.get('kept')).value?.toString()).toBe('1')
    expect(await adapter.read(['kept'])).toMatchObject([{ code: 'ERR_NODE_DOWN' }])
  })

  it('that hangs: reset and close settle what is under way, and connect settles by its time-out', async () => {
    const adapter = open(connect(), { connectTimeout: 100 })
    await adapter.connect()
    await hang(server)
    try {
      const work = [adapter.read(['a', 'b']), adapter.remove(['a'])]
      adapter.reset()
      expect((await Promise.all(work)).flat()).toMatchObject(
        Array.from({ length: 3 }, () => ({ code: 'ERR_NODE_DOWN' })),
      )
      await expect(adapter.connect()).rejects.toMatchObject({ code: 'ERR_NODE_DOWN' })
      const late = adapter.read(['a'])
      await adapter.close()
      expect(await late).toMatchObject([{ code: 'ERR_NODE_DOWN' }])
    } finally {
      server.resume()
    }
  })

  it('that cannot reach its server gives ERR_NODE_DOWN', async () => {
    const gone = await startMemcached()
    await gone.stop()
    const client = Client.create(`127.0.0.1:${gone.port}`, { retries: 1, logger: { log: () => {} } })
    clients.push(client)
    const adapter = open(client)
    await expect(adapter.connect()).rejects.toMatchObject({ code: 'ERR_NODE_DOWN' })
    expect(await adapter.read(['a'])).toMatchObject([{ code: 'ERR_NODE_DOWN' }])
  })

  it('never gets an illegal key, and no TTL that lasts for ever', async () => {
    const client = connect()
    const adapter = open(client)
    expect(await adapter.read(['', 'x'.repeat(251), 'ok'])).toMatchObject([
      { code: 'ERR_NODE' },
      { code: 'ERR_NODE' },
      undefined,
    ])
    await adapter.write([
      { key: 'short', value: Buffer.from('1'), ttl: 1 },
      { key: 'long', value: Buffer.from('1'), ttl: 40 * 86_400_000 },
    ])
    expect(await secondsLeft(server.port, 'short')).toSatisfy((left) => left === 1 || left === 2)
    expect(await secondsLeft(server.port, 'long')).toBeGreaterThan(39 * 86_400)
  })

  it('that throws, or changes the bytes, costs an error per key', async () => {
    const throwing = { servers: [{}], get: boom, set: boom, delete: boom, stats: boom }
    const adapter = open(throwing, { id: 'a' })
    expect(await adapter.read(['a', 'b'])).toMatchObject([{ code: 'ERR_NODE' }, { code: 'ERR_NODE' }])
    await expect(adapter.connect()).rejects.toMatchObject({ code: 'ERR_NODE' })
    const decoding: MemjsClient = { ...throwing, get: (_key, done) => done(null, 'text' as never) }
    expect(await open(decoding, { id: 'a' }).read(['a'])).toMatchObject([{ code: 'ERR_NODE' }])
  })

  it.each<[string, unknown, string]>([
    ['two servers', { ...dummy(), servers: [{}, {}] }, 'has 2'],
    ['no server', { ...dummy(), servers: [] }, 'has 0'],
    ['no methods', { servers: [{}] }, 'a URL or a memjs Client'],
    ['null', null, 'given: null'],
    ['a number', 11_211, 'given: number'],
  ])('is refused: %s', (_, client, message) => {
    let error: unknown
    try {
      memcachedNode(client as MemjsClient)
    } catch (thrown) {
      error = thrown
    }
    expect(isCacheError(error, 'ERR_CLIENT')).toBe(true)
    expect((error as Error).message).toContain(message)
  })

  it('takes no credentials beside it', () => {
    expect(() => memcachedNode(connect(), { username: 'a', password: 'b' })).toThrow('go with a URL')
  })
})

function boom(): never {
  throw new Error('thrown by the client')
}

function dummy(): Omit<MemjsClient, 'servers'> {
  return { get: () => {}, set: () => {}, delete: () => {}, stats: () => {} }
}
