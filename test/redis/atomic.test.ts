import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { NodeAdapter } from '../../src/node/contract.ts'
import { makeRedisNode } from '../../src/redis/node.ts'
import { bareContext } from '../support/context.ts'
import { redisText, startRedis, startReplica, until, type TestServer } from '../support/servers.ts'
import { atomicOf, envelope, HOUR, leaseOf, token, wordOf } from './atomic-harness.ts'
import { opener, put, TTL } from './harness.ts'
import { MAJORS, type AppClient, type Major } from './majors.ts'

describe.each(MAJORS)('leases on Redis, ioredis $major', (major: Major) => {
  const open = opener()
  const lent: AppClient[] = []
  let server: TestServer
  let app: AppClient
  beforeAll(async () => {
    server = await startRedis()
    app = major.client(server.port)
  })
  afterEach(async () => {
    for (const client of lent.splice(0)) client.disconnect()
    await redisText(server.port, 'FLUSHALL')
  })
  afterAll(async () => {
    app.disconnect()
    await server.stop()
  })

  const connected = async (target: unknown = server.url): Promise<NodeAdapter> => {
    const adapter = open(major, target)
    await adapter.connect()
    return adapter
  }
  const lend = (options?: object): AppClient => {
    const client = major.client(server.port, options)
    lent.push(client)
    return client
  }
  const calls = async (command: string): Promise<number> => {
    const stats = await redisText(server.port, 'INFO commandstats')
    return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0)
  }

  it('takes many in one pipeline, and needs no script for what is absent', async () => {
    const atomic = atomicOf(await connected())
    const keys = Array.from({ length: 200 }, (_, index) => `k${index}`)
    await atomic.lease([leaseOf('warm', token())])
    await redisText(server.port, 'CONFIG RESETSTAT')
    const tokens = keys.map(() => token())
    expect(await atomic.lease(keys.map((key, index) => leaseOf(key, tokens[index] as Uint8Array)))).toEqual(
      keys.map(() => 'won'),
    )
    expect([await calls('set'), await calls('evalsha'), await calls('eval')]).toEqual([200, 0, 0])
    expect(
      await atomic.fill(
        keys.map((key, index) => ({
          key,
          token: tokens[index] as Uint8Array,
          value: envelope(key, 'value', {}, Buffer.from(key)),
          ttl: TTL,
        })),
      ),
    ).toEqual(keys.map(() => 'done'))
    expect(await app.pttl('k199')).toBeGreaterThan(TTL / 2)
  })

  it('keeps payload and TTL of an entry, and counts its lease by the server’s time', async () => {
    const adapter = await connected()
    const atomic = atomicOf(adapter)
    const [version, mark] = [token(), token()]
    const value = envelope('e', 'value', { version }, Buffer.alloc(100_000, 'x'))
    await adapter.write([{ key: 'e', value, ttl: TTL }])
    const before = Date.now()
    expect(await atomic.lease([leaseOf('e', mark, version, 5_000)])).toEqual(['won'])
    const after = Date.now()
    const pttl = await app.pttl('e')
    expect(pttl > TTL / 2 && pttl <= TTL).toBe(true)
    const [found] = (await adapter.read(['e'])) as [Buffer]
    const until = found.readUIntBE(50, 6)
    expect(until >= before + 5_000 && until <= after + 5_000).toBe(true)
    const expected = Buffer.from(value)
    expected.set(mark, 38)
    expected.writeUIntBE(until, 50, 6)
    expect(Buffer.compare(found, expected)).toBe(0)
  })

  it('goes on when the server forgets its scripts', async () => {
    const atomic = atomicOf(await connected())
    for (let round = 0; round < 3; round++) {
      const marks = [token(), token(), token()] as const
      const keys = marks.map((_, index) => `forget-${round}-${index}`)
      const all = marks.map((mark, index) => leaseOf(keys[index] as string, mark, 'any'))
      await redisText(server.port, 'SCRIPT FLUSH')
      expect(await atomic.lease(all)).toEqual(['won', 'won', 'won'])
      await redisText(server.port, 'SCRIPT FLUSH')
      expect(await atomic.renew(all.slice(0, 1))).toEqual(['done'])
      await redisText(server.port, 'SCRIPT FLUSH')
      expect(await atomic.release([...all, { key: 'none', token: token() }])).toEqual(['done', 'done', 'done', 'lost'])
    }
  })

  it('takes a script where SET does not take NX and GET together, and tries that once', async () => {
    const client = lend()
    await until(() => client.status === 'ready', 'a connection')
    // Asks for what no server takes together, as servers before 7 do not take NX and GET.
    const refuse = (target: object): void => {
      const { call } = target as AppClient
      Object.assign(target, {
        setBuffer: (key: string, value: string, unit: string, ms: number) =>
          call.call(target, 'SET', key, value, unit, `${ms}`, 'NX', 'XX'),
      })
    }
    const { pipeline } = client
    refuse(client)
    Object.assign(client, {
      pipeline: () => {
        const row = pipeline.call(client)
        refuse(row)
        return row
      },
    })
    const atomic = atomicOf(await connected(client))
    await atomic.lease([leaseOf('first', token())])
    await redisText(server.port, 'CONFIG RESETSTAT')
    const [one, two] = [token(), token()]
    expect(await atomic.lease([leaseOf('a', one), leaseOf('b', two), leaseOf('a', token())])).toEqual([
      'won',
      'won',
      envelopeOf(one),
    ])
    expect(await atomic.lease([leaseOf('c', token())])).toEqual(['won'])
    expect(await atomic.lease([leaseOf('a', one), leaseOf('b', token())])).toEqual(['won', envelopeOf(two)])
    const stats = await redisText(server.port, 'INFO commandstats')
    expect(/cmdstat_set:.*failed_calls=(\d+)/.exec(stats)?.[1]).toBe('3')
    expect(await atomic.release([{ key: 'a', token: one }])).toEqual(['done'])
  })

  it('works through a client with a prefix, and one that gives numbers as text', async () => {
    for (const options of [{ keyPrefix: 'p:' }, { stringNumbers: true }]) {
      const adapter = await connected(lend(options))
      const atomic = atomicOf(adapter)
      const [one, two, three] = [token(), token(), token()]
      expect(await atomic.lease([leaseOf('x', one)])).toEqual(['won'])
      const value = envelope('x', 'value', { version: two }, Buffer.from('x'))
      expect(await atomic.fill([{ key: 'x', token: one, value, ttl: TTL }])).toEqual(['done'])
      expect(await atomic.lease([leaseOf('x', three, two), leaseOf('y', three)])).toEqual(['won', 'won'])
      expect(await atomic.lease([leaseOf('x', one, two)])).toEqual(['held'])
      expect(await atomic.renew([{ key: 'x', token: three, ms: HOUR }])).toEqual(['done'])
      expect(await atomic.release([{ key: 'x', token: one }])).toEqual(['lost'])
      const expire = (key: string): { key: string; now: number; version: Uint8Array } => ({ key, now: 1, version: one })
      expect(await atomic.expire([expire('x'), expire('y'), expire('z')])).toEqual(['expired', 'deleted', 'absent'])
      expect((await app.call('EXISTS', 'p:x', 'x')) as number).toBe(1)
      await redisText(server.port, 'FLUSHALL')
    }
  })

  it('is no power of a client that has not its commands', () => {
    const client = lend()
    Object.assign(client, { evalshaBuffer: undefined })
    const { primary } = makeRedisNode(major.Redis, client, {})
    const adapter = primary.open(bareContext)
    expect(adapter.powers.atomic).toBeUndefined()
    expect(adapter.powers.removeIf).toBeDefined()
    return adapter.close()
  })

  it('costs, for a key that holds a list, only that key', async () => {
    const adapter = await connected()
    const atomic = atomicOf(adapter)
    await app.lpush('list', 'CANARY')
    const mark = token()
    for (const round of ['by script', 'by SET']) {
      const key = `beside ${round}`
      for (const seen of [undefined, token(), 'any'] as const) {
        const outcomes = await atomic.lease([leaseOf('list', token(), seen), leaseOf(key, mark)])
        expect(outcomes.map(wordOf)).toEqual(['ERR_NODE', 'won'])
        expect(String(outcomes[0])).toContain('WRONGTYPE')
      }
    }
    const fill = { key: 'list', token: mark, value: Buffer.from('x'), ttl: TTL }
    for (const outcome of [
      ...(await atomic.renew([{ ...fill, ms: 5 }])),
      ...(await atomic.fill([fill])),
      ...(await atomic.release([fill])),
      ...(await atomic.expire([{ key: 'list', now: 0, version: mark }])),
    ]) {
      expect(wordOf(outcome)).toBe('ERR_NODE')
    }
    expect(await app.call('LLEN', 'list')).toBe(1)
  })

  it('says so when the server is out of memory, or a replica', async () => {
    const full = await startRedis({ args: ['--maxmemory', '500kb', '--maxmemory-policy', 'noeviction'] })
    const replica = await startReplica(server)
    try {
      const crammed = atomicOf(await connected(full.url))
      const wanted = [leaseOf('a', token()), leaseOf('b', token(), 'any')]
      for (let round = 0; round < 2; round++) {
        const outcomes = await crammed.lease(wanted)
        expect(outcomes.map(wordOf)).toEqual(['ERR_NODE', 'ERR_NODE'])
        for (const each of outcomes) expect(String(each)).toContain('OOM')
      }
      const [outcome] = await atomicOf(await connected(replica.url)).lease(wanted.slice(1))
      expect(String(outcome)).toContain('READONLY')
    } finally {
      await replica.stop()
      await full.stop()
    }
  })

  it('refuses a value over the limit, and fills what is beside it', async () => {
    const adapter = open(major, server.url, { maxValueBytes: 1_000 })
    await adapter.connect()
    const atomic = atomicOf(adapter)
    const [one, two] = [token(), token()]
    await atomic.lease([leaseOf('a', one), leaseOf('b', two)])
    const fills = [
      { key: 'a', token: one, value: Buffer.alloc(1_001, 'CANARY'), ttl: TTL },
      { key: 'b', token: two, value: Buffer.alloc(1_000), ttl: TTL },
    ]
    const outcomes = await atomic.fill(fills)
    expect(outcomes.map(wordOf)).toEqual(['ERR_NODE', 'done'])
    expect(String(outcomes[0])).not.toContain('CANARY')
  })

  it('fails at once when there is no connection, and a server that comes back is leased again', async () => {
    const other = await startRedis()
    try {
      const adapter = await connected(other.url)
      const atomic = atomicOf(adapter)
      expect(await atomic.lease([leaseOf('a', token())])).toEqual(['won'])
      await other.kill()
      await until(async () => wordOf((await atomic.lease([leaseOf('a', token())]))[0]) === 'ERR_NODE_DOWN', 'the end')
      await other.restart()
      await until(async () => (await put(adapter, 'b', 'x')) === 'stored', 'the server')
      expect(await atomic.lease([leaseOf('a', token()), leaseOf('b', token(), 'any')])).toEqual(['won', 'won'])
    } finally {
      await other.stop()
    }
  })
})

/** A placeholder with this token, whenever it was made. */
function envelopeOf(mark: Uint8Array): unknown {
  return expect.toSatisfy(
    (found: unknown) => found instanceof Uint8Array && Buffer.from(found).includes(Buffer.from(mark)),
  )
}
