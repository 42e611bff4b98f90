import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Slice } from '../../src/base/slice.ts'
import type { ReadGiven, WriteItem } from '../../src/node/contract.ts'
import { codeOf, fetch, opener, put, TTL } from '../redis/harness.ts'
import { MAJORS, type AppClient, type Major } from '../redis/majors.ts'
import { redisText, startRedis, startReplica, until, type TestServer } from '../support/servers.ts'

describe.each(MAJORS)('redisNode on a live server, ioredis $major', (major: Major) => {
  const open = opener()
  let server: TestServer
  let app: AppClient
  beforeAll(async () => {
    server = await startRedis()
    app = major.client(server.port)
  })
  afterAll(async () => {
    app.disconnect()
    await server.stop()
  })

  const connected = async (target: unknown = server.url, options = {}): Promise<ReturnType<typeof open>> => {
    const adapter = open(major, target, options)
    await adapter.connect()
    return adapter
  }
  const commands = async (name: string): Promise<number> =>
    Number(new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(await app.info('commandstats'))?.[1] ?? 0)

  it.each([1, 2, 64, 65, 200])('writes, reads and removes %i binary values, and duplicates', async (count) => {
    const adapter = await connected()
    const items = Array.from({ length: count }, (_, index) => ({
      key: `n${count}:${index}`,
      // Plain arrays of bytes, views into a shared buffer: the client library would write them as text.
      value: new Uint8Array(randomBytes(40)).subarray(index % 8, 32),
      ttl: TTL,
    }))
    expect(await adapter.write(items)).toEqual(items.map(() => 'stored'))
    const asked = [...items, ...items.slice(0, 2)]
    const outcomes = await adapter.read([...asked.map(({ key }) => key), 'none'])
    expect(outcomes.pop()).toBeUndefined()
    expect(outcomes.map((outcome) => Buffer.from(outcome as Uint8Array).toString('hex'))).toEqual(
      asked.map(({ value }) => Buffer.from(value).toString('hex')),
    )
    const slices = await new Promise<(Slice | undefined)[]>((resolve, failed) => {
      const came = (given: ReadGiven): void => resolve(given as (Slice | undefined)[])
      adapter.beginRead?.([...asked.map(({ key }) => key), 'none'], Slice, { came, failed })
    })
    expect(slices.pop()).toBeUndefined()
    expect(slices.every((slice) => slice instanceof Slice)).toBe(true)
    expect(slices.map((slice) => Buffer.from(slice!.own()).toString('hex'))).toEqual(
      asked.map(({ value }) => Buffer.from(value).toString('hex')),
    )
    expect(await adapter.remove([...items.map(({ key }) => key), 'none'])).toEqual([
      ...items.map(() => 'deleted'),
      'absent',
    ])
  })

  it('reads 200 keys with 4 commands, and one key with GET', async () => {
    const adapter = await connected()
    const [mget, get] = [await commands('mget'), await commands('get')]
    await adapter.read(Array.from({ length: 200 }, (_, index) => `many:${index}`))
    expect(await commands('mget')).toBe(mget + 4)
    await adapter.read(['many:1'])
    expect([await commands('mget'), await commands('get')]).toEqual([mget + 4, get + 1])
  })

  it('applies a TTL in milliseconds', async () => {
    const adapter = await connected()
    await put(adapter, 'ttl:1', 'x', 12_345)
    const left = await app.pttl('ttl:1')
    expect(left).toBeLessThanOrEqual(12_345)
    expect(left).toBeGreaterThan(2_345)
    await adapter.write([
      { key: 'ttl:2', value: Buffer.from('x'), ttl: 40_500 },
      { key: 'ttl:3', value: Buffer.from('x'), ttl: 3_155_760_000_000 },
    ])
    expect(await app.pttl('ttl:2')).toBeGreaterThan(30_500)
    expect(await app.pttl('ttl:3')).toBeGreaterThan(3_155_750_000_000)
  })

  it('takes a key that holds a list for a miss, overwrites it and removes it', async () => {
    const adapter = await connected()
    await put(adapter, 'string', 'x')
    await app.lpush('list', 'x')
    expect(await adapter.read(['list'])).toEqual([undefined])
    expect((await adapter.read(['string', 'list'])).map((each) => each?.toString())).toEqual(['x', undefined])
    expect(await put(adapter, 'list', 'y')).toBe('stored')
    await app.call('DEL', 'list')
    await app.lpush('list', 'x')
    expect(await adapter.remove(['list'])).toEqual(['deleted'])
  })

  it('refuses a value over its limit before it is sent, at the cost of its own key', async () => {
    const adapter = await connected(server.url, { maxValueBytes: 10 })
    const value = Buffer.alloc(11, 'CANARY')
    const ok = { key: 'small', value: Buffer.alloc(10), ttl: TTL }
    const outcomes = await adapter.write([ok, { key: 'large', value, ttl: TTL }, ok])
    expect(outcomes.map(codeOf)).toEqual(['stored', 'ERR_NODE', 'stored'])
    expect(String(outcomes[1])).not.toContain('CANARY')
    expect(await fetch(adapter, 'large')).toBeUndefined()
  })

  it('writes more than one piece of a pipeline holds', async () => {
    const adapter = await connected()
    const items = Array.from({ length: 5 }, (_, index) => ({
      key: `piece:${index}`,
      value: randomBytes(3e6),
      ttl: TTL,
    }))
    expect(await adapter.write(items)).toEqual(items.map(() => 'stored'))
    const outcomes = await adapter.read(items.map(({ key }) => key))
    expect(outcomes.map((each, index) => items[index]?.value.equals(each as Uint8Array))).toEqual(items.map(() => true))
    await adapter.remove(items.map(({ key }) => key))
  })

  it('uses the database asked for', async () => {
    const [zero, three, byOption] = [
      await connected(),
      await connected(`${server.url}/3`),
      await connected(`${server.url}/5`, { db: 3 }),
    ]
    await put(three, 'db', 'of three')
    expect(await fetch(zero, 'db')).toBeUndefined()
    expect(await fetch(byOption, 'db')).toBe('of three')
    three.reset()
    await three.connect()
    expect(await fetch(three, 'db')).toBe('of three')
    expect((await three.powers.info?.())?.keys).toBe(1)
  })

  it('serves nothing when the database does not exist', async () => {
    const adapter = open(major, `${server.url}/99`)
    await expect(adapter.connect()).rejects.toMatchObject({ code: 'ERR_NODE', message: expect.stringContaining('99') })
    expect(codeOf(await put(adapter, 'astray', 'x'))).toBe('ERR_NODE')
    expect(await app.get('astray')).toBeNull()
  })

  it('tells who the server is, and what it holds', async () => {
    const replica = await startReplica(server)
    try {
      const [primary, second] = [await connected(), await connected(replica.url)]
      const info = await primary.powers.info?.()
      const { runId, version } = await primary.connect()
      expect(info).toMatchObject({ runId, version })
      expect(info).toMatchObject({ role: 'primary', runId: expect.stringMatching(/^[\da-f]{40}$/) })
      expect(info?.version).toMatch(/^\d+\.\d+/)
      expect(info?.keys).toBe(Number(/:(\d+)/.exec(await redisText(server.port, 'DBSIZE'))?.[1]))
      expect(info?.bytes).toBeGreaterThan(100_000)
      await put(primary, 'replicated', 'x')
      await until(async () => {
        const [a, b] = [await primary.powers.info?.(), await second.powers.info?.()]
        return (
          a?.replicationOffset !== undefined && a.replicationOffset > 0 && a.replicationOffset === b?.replicationOffset
        )
      }, 'the replica to have applied everything')
      expect(await second.powers.info?.()).toMatchObject({ role: 'replica' })
      expect(await fetch(second, 'replicated')).toBe('x')
    } finally {
      await replica.stop()
    }
  })

  it('answers READONLY per key on a replica, and connects anew, not for every one', async () => {
    const replica = await startReplica(server)
    try {
      const adapter = await connected(replica.url)
      const outcomes = await adapter.write(
        Array.from({ length: 200 }, (_, index) => ({ key: `r:${index}`, value: Buffer.from('CANARY'), ttl: TTL })),
      )
      expect(new Set(outcomes.map(codeOf))).toEqual(new Set(['ERR_NODE']))
      expect(String(outcomes[0])).toContain('READONLY')
      expect(String(outcomes[0])).not.toContain('CANARY')
      await until(async () => (await fetch(adapter, 'r:0')) === undefined, 'the new connection')
      const received = async (): Promise<number> =>
        Number(/total_connections_received:(\d+)/.exec(await redisText(replica.port, 'INFO stats'))?.[1])
      const before = await received()
      expect(codeOf(await put(adapter, 'r:0', 'x'))).toBe('ERR_NODE')
      expect(await fetch(adapter, 'r:0')).toBeUndefined()
      expect(await received()).toBe(before + 1)
    } finally {
      await replica.stop()
    }
  })

  it('answers OOM per key, without the value', async () => {
    const full = await startRedis({ args: ['--maxmemory', '1mb', '--maxmemory-policy', 'noeviction'] })
    try {
      const adapter = await connected(full.url)
      const item = (name: string): WriteItem => ({
        key: `oom:${name}`,
        value: Buffer.alloc(50_000, 'CANARY'),
        ttl: TTL,
      })
      for (let n = 0; (await adapter.write([item(`fill:${n}`)]))[0] === 'stored'; n++) expect(n).toBeLessThan(100)
      const outcomes = await adapter.write(['a', 'b', 'c'].map(item))
      for (const outcome of [...outcomes, ...(await adapter.write([item('d')]))]) {
        expect(codeOf(outcome)).toBe('ERR_NODE')
        expect(String(outcome)).toContain('OOM')
        expect(String(outcome)).not.toContain('CANARY')
      }
      expect(await fetch(adapter, 'oom:a')).toBeUndefined()
      expect(await adapter.remove(['oom:fill:0'])).toEqual(['deleted'])
    } finally {
      await full.stop()
    }
  })

  it('names unknown commands without their arguments, and reads without MGET where it was renamed', async () => {
    const crippled = await startRedis({ args: ['--rename-command', 'SET', '', '--rename-command', 'MGET', ''] })
    try {
      const adapter = await connected(crippled.url)
      const outcome = await put(adapter, 'k', 'CANARY')
      expect(codeOf(outcome)).toBe('ERR_NODE')
      expect(String(outcome)).toContain('unknown command')
      expect(String(outcome)).not.toContain('CANARY')
      await redisText(crippled.port, 'SETEX a 100 A')
      expect((await adapter.read(['a', 'b'])).map((each) => each?.toString())).toEqual(['A', undefined])
    } finally {
      await crippled.stop()
    }
  })

  it('refuses a server of a Redis Cluster with words that help', async () => {
    const cluster = await startRedis({ args: ['--cluster-enabled', 'yes'] })
    try {
      await redisText(cluster.port, 'CLUSTER ADDSLOTSRANGE 0 1')
      const adapter = await connected(cluster.url)
      expect(codeOf(await fetch(adapter, 'a'))).toBe('ERR_NODE')
    } finally {
      await cluster.stop()
    }
  })
})
