import { inspect } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { ShardedCache } from '../../src/cache.ts'
import { bytesCodec } from '../../src/entry/codec.ts'
import { memcachedNode } from '../../src/memcached/index.ts'
import { redisNode } from '../../src/redis/index.ts'
import { secondsLeft } from '../memcached/raw.ts'
import { collect, makeCache, rejection } from '../support/caches.ts'
import { clientIds, foreignGet, keysOn, memcachedStat, redisReads, resetStats } from '../support/fleet.ts'
import { freePort, redisText, startMemcached, startRedis, until, type TestServer } from '../support/servers.ts'

let redis: TestServer
let second: TestServer
let locked: TestServer
let memcached: TestServer
const all = (): TestServer[] => [redis, second, locked, memcached]

beforeAll(async () => {
  ;[redis, second, locked, memcached] = await Promise.all([
    startRedis(),
    startRedis(),
    startRedis({ args: ['--requirepass', 'right'] }),
    startMemcached(),
  ])
})
afterAll(async () => {
  await Promise.all(all().map((server) => server?.stop()))
})
beforeEach(async () => {
  await Promise.all([redis, second].map(({ port }) => redisText(port, 'FLUSHALL')))
})

/** The address of a server as a URL with this password. */
const withPassword = ({ port }: TestServer, password: string): string => `redis://:${password}@127.0.0.1:${port}`

describe('L1 hits', () => {
  it('send no command, to Redis or memcached', async () => {
    const nodes = [redisNode(redis.url, { id: 'r' }), memcachedNode(memcached.url, { id: 'm' })]
    const cache = await makeCache({ nodes, l1: { ttl: '1m' }, nodeTimeout: '4s' })
    const keys = Array.from({ length: 200 }, (_, i) => `l1:${i}`)
    expect(new Set(keys.map((key) => cache.explain(key).owner))).toEqual(new Set(['r', 'm']))
    await cache.setMany(keys.map((key) => [key, key]))
    await resetStats(redis)
    const reads = async (): Promise<number[]> => [
      await redisReads(redis),
      await memcachedStat(memcached.port, 'cmd_get'),
    ]
    const before = await reads()
    const wrapped = cache.wrap((key: string) => key, { key: (key) => key })
    for (const key of keys) {
      expect(await cache.get(key)).toBe(key)
      expect(await cache.getOrLoad(key, () => 'never')).toBe(key)
      expect(await wrapped(key)).toBe(key)
      expect(await cache.has(key)).toBe(true)
    }
    expect((await cache.getMany(keys)).size).toBe(200)
    expect((await cache.getOrLoadMany(keys, () => [])).size).toBe(200)
    expect(await reads()).toEqual(before)
    // The counters do count: the same read past L1 shows.
    expect((await cache.getMany(keys, { l1: false })).size).toBe(200)
    const after = await reads()
    expect(after[0]! + after[1]! - before[0]! - before[1]!).toBe(200)
  })
})

describe('weights of 1:2', () => {
  it('give shares of 1:2, within a tenth, counted on the servers', async () => {
    const nodes = [redisNode(redis.url, { id: 'a' }), redisNode(second.url, { id: 'b', weight: 2 })]
    const cache = await makeCache({ nodes, nodeTimeout: '4s' })
    const count = 30_000
    for (let at = 0; at < count; at += 1_000) {
      await cache.setMany(Array.from({ length: 1_000 }, (_, i) => [`user:${at + i}`, i]))
    }
    const [small, large] = [await keysOn(redis), await keysOn(second)]
    console.log(`weights 1:2 gave ${small} and ${large} keys, 1:${(large / small).toFixed(3)}`)
    expect(small + large).toBe(count)
    expect(large / small).toBeGreaterThan(1.8)
    expect(large / small).toBeLessThan(2.2)
    expect((await cache.health()).totalKeys).toBe(count)
  })
})

describe('changes under traffic', () => {
  /** Clients that read, load and write until they are stopped. */
  function traffic(cache: ShardedCache): { calls(): number; stop(): Promise<string[]> } {
    let running = true
    let calls = 0
    const wrong: string[] = []
    const client = async (n: number): Promise<void> => {
      for (let i = n; running; i += 13) {
        const [key, other] = [`key:${i % 2_000}`, `key:${(i * 7) % 2_000}`]
        const [one, many, set] = await Promise.all([
          cache.getOrLoad(key, () => key),
          cache.getMany([key, other]),
          cache.set(other, other),
        ])
        if (one !== key || [...many].some(([name, value]) => name !== value)) wrong.push(key)
        if (!set.ok) wrong.push(`set ${other}`)
        calls += 3
      }
    }
    const clients = Array.from({ length: 10 }, (_, n) => client(n * 200))
    return {
      calls: () => calls,
      stop: async () => {
        running = false
        await Promise.all(clients)
        return wrong
      },
    }
  }

  it('reject no call, give no wrong value, and keep the connections of those that stay', async () => {
    const node = redisNode(redis.url, { id: 'r' })
    const cache = await makeCache({ nodes: [node, memcachedNode(memcached.url, { id: 'm' })], nodeTimeout: '2s' })
    const errors = collect(cache, 'node-error')
    const connections = await clientIds(redis)
    expect(connections).toHaveLength(1)
    const opened = await memcachedStat(memcached.port, 'total_connections')
    const { calls, stop } = traffic(cache)
    const more = async (): Promise<void> => {
      const before = calls()
      await until(() => calls() > before + 600, 'more calls')
    }
    await more()
    const { moved, moves } = await cache.addNode(redisNode(second.url, { id: 's' }))
    expect(Math.abs(moved - 1 / 3)).toBeLessThan(0.05)
    expect(moves.map(({ to }) => to)).toEqual(['s', 's'])
    await more()
    await cache.reweight('r', 2)
    // The same list written anew: other objects, the same servers.
    await cache.setNodes([
      memcachedNode(memcached.url, { id: 'm' }),
      redisNode(second.url, { id: 's' }),
      redisNode(redis.url, { id: 'r' }),
    ])
    await more()
    expect(await clientIds(second)).toHaveLength(1)
    await cache.removeNode('s')
    await more()
    expect(await stop()).toEqual([])
    expect(errors).toEqual([])
    expect(await clientIds(redis)).toEqual(connections)
    expect(await clientIds(second)).toEqual([])
    // One for the first look, one for this.
    expect(await memcachedStat(memcached.port, 'total_connections')).toBe(opened + 1)
    await cache.close()
    await until(async () => (await clientIds(redis)).length === 0, 'the connection to be closed')
  })
})

describe('create and setNodes', () => {
  it('fail for a wrong password, without telling it', async () => {
    const error = await rejection(makeCache({ nodes: [redisNode(withPassword(locked, 'topsecret'), { id: 'a' })] }))
    expect(error).toMatchObject({ code: 'ERR_AUTH', name: 'NodeError' })
    expect((error as Error).message).toContain(`127.0.0.1:${locked.port}`)
    expect(`${inspect(error, { depth: 9, showHidden: true })} ${JSON.stringify(error)}`).not.toContain('topsecret')
    const none = await rejection(makeCache({ nodes: [redisNode(locked.url, { id: 'a' })] }))
    expect(none).toMatchObject({ code: 'ERR_AUTH' })
  })

  it('fail for one among others, and then leave everything as it was', async () => {
    const cache = await makeCache({ nodes: [redisNode(redis.url, { id: 'r' })] })
    const errors = collect(cache, 'node-error')
    const connections = await clientIds(redis)
    const bad = redisNode(withPassword(locked, 'topsecret'), { id: 'l' })
    const adding = rejection(
      cache.setNodes([redisNode(redis.url, { id: 'r' }), redisNode(second.url, { id: 's' }), bad]),
    )
    expect(await adding).toMatchObject({ code: 'ERR_AUTH' })
    expect(cache.stats().nodes.map(({ id }) => id)).toEqual(['r'])
    expect(await cache.set('key', 1)).toMatchObject({ ok: true })
    expect(await clientIds(redis)).toEqual(connections)
    await until(async () => (await clientIds(second)).length === 0, 'what was opened to be closed')
    for (const event of errors) expect(JSON.stringify(event)).not.toContain('topsecret')
    await cache.addNode(redisNode(withPassword(locked, 'right'), { id: 'l' }))
    expect((await cache.health()).healthy).toBe(true)
  })

  it('do not fail for a node that cannot be reached; its keys are misses until it can', async () => {
    const port = await freePort()
    const gone = await freePort()
    const cache = await makeCache({
      nodes: [
        redisNode(redis.url, { id: 'up' }),
        redisNode(`redis://127.0.0.1:${port}`, { id: 'down' }),
        memcachedNode(`memcached://127.0.0.1:${gone}`, { id: 'gone' }),
      ],
    })
    const keys = Array.from({ length: 60 }, (_, i) => `key:${i}`)
    const owned = (id: string): string[] => keys.filter((key) => cache.explain(key).owner === id)
    const results = await cache.setMany(keys.map((key) => [key, key]))
    expect(keys.filter((key) => results.get(key)?.ok)).toEqual(owned('up'))
    expect([...(await cache.getMany(keys)).keys()]).toEqual(owned('up'))
    expect(await cache.getOrLoad(owned('down')[0]!, () => 'loaded')).toBe('loaded')
    const health = await cache.health()
    expect(health.nodes.map(({ id, state }) => [id, state])).toEqual([['down', 'down'], ['gone', 'down'], ['up', 'up']]) // prettier-ignore
    const waiting = (id: string): string => `keys that wait to be removed from it: ${owned(id).length}`
    expect(health.issues.map(({ code, node, text }) => [code, node, text])).toEqual([
      ['ERR_NODE_DOWN', 'down', `primary: 127.0.0.1:${port} cannot be reached: ECONNREFUSED`],
      ['JOURNAL', 'down', waiting('down')],
      ['ERR_NODE_DOWN', 'gone', `primary: 127.0.0.1:${gone} cannot be reached: ECONNREFUSED`],
      ['JOURNAL', 'gone', waiting('gone')],
    ])
    expect(health.totalKeys).toBe(owned('up').length)
    const late = await startRedis({ port })
    try {
      await until(async () => (await cache.set(owned('down')[0]!, 1)).ok, 'the node to be noticed')
    } finally {
      await late.stop()
    }
  })
})

describe('what is stored', () => {
  async function caches() {
    const onRedis = await makeCache({ nodes: [redisNode(redis.url, { id: 'r' })], namespace: 'app' })
    const onMemcached = await makeCache({ nodes: [memcachedNode(memcached.url, { id: 'm' })], namespace: 'app' })
    return [
      { cache: onRedis, server: redis },
      { cache: onMemcached, server: memcached },
    ] as const
  }

  it('is an envelope of format 1 under the stored key, the payload at its end', async () => {
    for (const { cache, server } of await caches()) {
      for (const key of ['plain', 'k'.repeat(10_000), 'with blanks\r\n', '{tag}'.repeat(60)]) {
        await cache.set(key, { a: 1 })
        const bytes = await foreignGet(server, cache.explain(key).storedKey)
        expect(bytes.subarray(0, 4).toString('hex')).toBe('f5c50100')
        expect(bytes.subarray(56).toString()).toBe('{"a":1}')
        expect(bytes).toHaveLength(63)
      }
    }
  })

  it('is the codec’s bytes alone where the format is raw, and so may others write', async () => {
    for (const { cache, server } of await caches()) {
      const raw = cache.space('raw', { format: 'raw' })
      await raw.set('json', { a: [1, 'zwei', null] })
      expect((await foreignGet(server, 'app:raw:json')).toString()).toBe('{"a":[1,"zwei",null]}')
      const bytes = cache.space<Uint8Array>('bytes', { format: 'raw', codec: bytesCodec })
      const every = Buffer.from(Array.from({ length: 256 }, (_, i) => i))
      await bytes.set('all', every)
      expect(await foreignGet(server, 'app:bytes:all')).toEqual(every)
      expect(await bytes.get('all')).toEqual(every)
    }
    await redisText(redis.port, 'SET app:raw:foreign [1,2]')
    const [{ cache }] = await caches()
    expect(await cache.space('raw', { format: 'raw' }).get('foreign')).toEqual([1, 2])
    expect(await cache.get('raw:foreign')).toBeUndefined()
  })

  it('has its TTL in milliseconds on Redis', async () => {
    const [{ cache }] = await caches()
    await cache.set('key', 1, { ttl: 54_321 })
    const left = Number(/:(-?\d+)/.exec(await redisText(redis.port, 'PTTL app:key'))?.[1])
    expect(left).toBeLessThanOrEqual(54_321)
    expect(left).toBeGreaterThan(53_321)
  })

  it('has its TTL rounded up to seconds on memcached, and ends to the millisecond all the same', async () => {
    const [, { cache, server }] = await caches()
    await cache.set('long', 1, { ttl: 54_321 })
    const left = (await secondsLeft(server.port, 'app:long')) as number
    expect(left).toBeGreaterThanOrEqual(54)
    expect(left).toBeLessThanOrEqual(56)
    await cache.set('short', 1, { ttl: 150 })
    expect((await cache.getEntry('short'))!.state).toBe('fresh')
    await until(async () => (await cache.get('short')) === undefined, 'the entry to end')
    expect(await secondsLeft(server.port, 'app:short')).toBeGreaterThan(0)
  })

  it('corrupt is a miss, and is removed from the server', async () => {
    const [{ cache }] = await caches()
    await redisText(redis.port, 'SET app:bad junk')
    await redisText(redis.port, 'LPUSH app:list 1')
    const dropped = collect(cache, 'dropped')
    expect(await cache.getMany(['bad', 'list'])).toEqual(new Map())
    expect(await cache.getOrLoad('list', () => 'loaded')).toBe('loaded')
    await until(async () => !(await redisText(redis.port, 'EXISTS app:bad')).includes(':1'), 'the junk to be removed')
    expect(dropped).toContainEqual(expect.objectContaining({ reason: 'corrupt', key: 'bad', node: 'r' }))
  })

  it('another key’s bytes (COPY, RENAME) are never another key’s value', async () => {
    const [{ cache }] = await caches()
    await cache.set('mine', 'mine')
    await redisText(redis.port, 'COPY app:mine app:yours')
    await redisText(redis.port, 'RENAME app:mine app:moved')
    expect(await cache.getMany(['mine', 'yours', 'moved'])).toEqual(new Map())
    expect(cache.stats().dropped['wrong-key']).toBe(2)
  })
})
