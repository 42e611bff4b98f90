import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock, type Clock } from '../../src/base/clock.ts'
import type { ShardedCache } from '../../src/cache.ts'
import type { CacheOptions } from '../../src/options.ts'
import { redisNode } from '../../src/redis/index.ts'
import type { ReadPolicy } from '../../src/shard/read-policy.ts'
import { collect, makeCache, rejection } from '../support/caches.ts'
import { keysOn, redisCalls, redisReads, resetStats } from '../support/fleet.ts'
import { startRedis, startReplica, until, type TestServer } from '../support/servers.ts'

const KEYS = 100
const keys = Array.from({ length: KEYS }, (_, i) => `key:${i}`)

let primary: TestServer
let replica: TestServer

beforeEach(async () => {
  primary = await startRedis()
  replica = await startReplica(primary)
})
afterEach(async () => {
  await replica?.stop()
  await primary?.stop()
})

/** A cache whose keys are on both servers, whose statistics are at zero. */
async function setUp(reads?: ReadPolicy, options: Partial<CacheOptions> = {}): Promise<ShardedCache> {
  const node = redisNode(primary.url, { id: 'a', zone: 'far', replicas: [{ url: replica.url, zone: 'near' }] })
  // Patient: a machine that is busy must not look like a member that fails.
  const cache = await makeCache({
    nodes: [node],
    nodeTimeout: '4s',
    clock: turnClock(),
    ...(reads === undefined ? {} : { reads }),
    ...options,
  })
  // By another process, as it were: what a cache itself has just written, it reads from the primary.
  const writer = await makeCache({ nodes: [redisNode(primary.url, { id: 'a' })], nodeTimeout: '4s' })
  await writer.setMany(keys.map((key) => [key, key]))
  await writer.close()
  await until(async () => (await keysOn(replica)) === KEYS, 'the replica to have all keys')
  await resetStats(primary, replica)
  return cache
}

/** Stands still within a turn of the event loop: on a busy machine one may take so long that its reads are two batches. */
function turnClock(): Clock {
  let time: number | undefined
  const monotonic = (): number => {
    if (time === undefined) {
      time = systemClock.monotonic()
      setImmediate(() => (time = undefined))
    }
    return time
  }
  return { ...systemClock, monotonic }
}

/** Reads every key by itself and all together; says how many were right, and what the servers were asked. */
async function readAll(cache: ShardedCache): Promise<{ right: number; primary: number; replica: number }> {
  const values = await Promise.all(keys.map((key) => cache.get(key)))
  const many = await cache.getMany(keys)
  const right = keys.filter((key, i) => values[i] === key && many.get(key) === key).length
  const calls = (server: TestServer): Promise<number> => redisCalls(server, 'get', 'mget').catch(() => Number.NaN)
  return { right, primary: await calls(primary), replica: await calls(replica) }
}

/** Three MGET for the hundred reads of one turn, of 16 keys and 64 at most, and two for those of many keys. */
const ALL = 5

describe('both servers up', () => {
  it.each<[string, ReadPolicy | undefined, 'primary' | 'replica']>([
    ['by default', undefined, 'primary'],
    ['prefer-primary', 'prefer-primary', 'primary'],
    ['primary', 'primary', 'primary'],
    ['replica', 'replica', 'replica'],
    ['prefer-replica', 'prefer-replica', 'replica'],
    ['a function', (members) => members.filter(({ role }) => role === 'replica'), 'replica'],
  ])('%s: INFO commandstats show who was asked', async (_, reads, asked) => {
    const cache = await setUp(reads)
    expect(await readAll(cache)).toEqual({ right: KEYS, primary: 0, replica: 0, [asked]: ALL })
  })

  it('of one call: what must be fresh comes from the primary', async () => {
    const cache = await setUp('replica')
    expect(await cache.get('key:1', { reads: 'primary' })).toBe('key:1')
    expect(await cache.get('key:1')).toBe('key:1')
    expect(await Promise.all([primary, replica].map((server) => redisCalls(server, 'get')))).toEqual([1, 1])
  })

  it('nearest: the replica of this process’s zone, nearly always', async () => {
    const cache = await setUp('nearest', { zone: 'near', random: () => 0.5 })
    expect(await readAll(cache)).toEqual({ right: KEYS, primary: 0, replica: ALL })
  })

  it('writes, deletes and loads fill the primary, whatever the policy', async () => {
    const cache = await setUp('replica')
    await cache.set('new', 1)
    await cache.delete('key:0')
    expect(await cache.getOrLoad('loaded', () => 2)).toBe(2)
    // Of the SETs, one is the lease of the load; its fill is a script.
    expect(await redisCalls(primary, 'set', 'del')).toBe(4)
    await until(async () => (await keysOn(replica)) === KEYS + 1)
    expect(await cache.get('new')).toBe(1)
  })

  it('what a cache itself wrote or deleted comes from the primary for a second, the rest from the replica', async () => {
    const cache = await setUp('replica')
    await cache.set('key:1', 'new')
    await cache.delete('key:2')
    expect(await cache.getMany(['key:1', 'key:2', 'key:3'])).toEqual(new Map([['key:1', 'new'], ['key:3', 'key:3']])) // prettier-ignore
    expect(await Promise.all([primary, replica].map((server) => redisReads(server)))).toEqual([2, 1])
    const asked = (): Promise<number> => redisReads(primary)
    await until(async () => {
      const before = await asked()
      await cache.get('key:1')
      return (await asked()) === before
    }, 'the second to pass')
    expect(await cache.get('key:1')).toBe('new')
  })

  it('health tells the roles, and how far the replica is behind', async () => {
    const cache = await setUp()
    await until(async () => (await cache.health()).nodes[0]?.replicas[0]?.lagBytes === 0, 'the replica to catch up')
    expect(await cache.health()).toEqual({
      healthy: true,
      hitRate: 0,
      totalKeys: KEYS,
      totalMemory: expect.any(Number) as number,
      nodes: [
        {
          id: 'a',
          address: `127.0.0.1:${primary.port}`,
          role: 'primary',
          state: 'up',
          replicas: [{ address: `127.0.0.1:${replica.port}`, role: 'replica', state: 'up', lagBytes: 0 }],
        },
      ],
      issues: [],
    })
  })

  it('health tells a replica that does not answer', async () => {
    const cache = await setUp(undefined, { nodeTimeout: 500 })
    replica.pause()
    expect((await cache.health()).issues).toEqual([
      {
        code: 'ERR_NODE_TIMEOUT',
        node: 'a',
        text: expect.stringContaining(`replica: 127.0.0.1:${replica.port} did not`),
      },
    ])
    replica.resume()
    await until(async () => (await cache.health()).healthy, 'the replica to be healthy')
  })

  it('health tells a server that is not what it was given as', async () => {
    const cache = await makeCache({ nodes: [redisNode(replica.url, { id: 'a', replicas: [primary.url] })] })
    expect((await cache.health()).issues.map(({ code, node, text }) => [code, node, text])).toEqual([
      ['ROLE', 'a', `127.0.0.1:${replica.port} was given as primary, and says it is a replica`],
      ['ROLE', 'a', `127.0.0.1:${primary.port} was given as replica, and says it is a primary`],
    ])
    expect(await cache.set('key', 1)).toEqual({ ok: false, status: 'failed' })
  })
})

describe('the primary killed', () => {
  it("'primary' is strict: misses, and the replica is never asked", async () => {
    const cache = await setUp('primary')
    await primary.kill()
    expect(await readAll(cache)).toEqual({ right: 0, primary: Number.NaN, replica: 0 })
    expect(await cache.getOrLoad('key:1', () => 'loaded')).toBe('loaded')
    expect(await redisCalls(replica, 'get', 'mget')).toBe(0)
  })

  it.each(['prefer-primary', 'nearest'] as const)('%s falls over to the replica', async (reads) => {
    const cache = await setUp(reads, { zone: 'far', random: () => 0.5 })
    const failovers = collect(cache, 'failover')
    await primary.kill()
    expect(await readAll(cache)).toEqual({ right: KEYS, primary: Number.NaN, replica: ALL })
    expect(failovers.length).toBeGreaterThan(0)
    expect(failovers[0]).toMatchObject({ node: 'a', to: `127.0.0.1:${replica.port}` })
    expect(await cache.set('key:1', 1)).toEqual({ ok: false, status: 'failed' })
    // What the primary holds of a key whose write failed is no longer read, from the replica neither.
    expect(await cache.get('key:1')).toBeUndefined()
    expect((await cache.health()).issues).toMatchObject([
      { code: 'ERR_NODE_DOWN', node: 'a' },
      { code: 'JOURNAL', node: 'a' },
    ])
  })

  it("'replica' does not notice", async () => {
    const cache = await setUp('replica')
    await primary.kill()
    expect(await readAll(cache)).toEqual({ right: KEYS, primary: Number.NaN, replica: ALL })
  })
})

describe('the primary paused', () => {
  it("'prefer-primary' answers from the replica inside one deadline", async () => {
    const cache = await setUp('prefer-primary', { nodeTimeout: 500 })
    primary.pause()
    try {
      const values = await Promise.all(keys.map((key) => cache.get(key)))
      expect(values).toEqual(keys)
      expect([...(await cache.getMany(keys)).keys()]).toEqual(keys)
      expect(await redisCalls(replica, 'get', 'mget')).toBe(ALL)
    } finally {
      primary.resume()
    }
  })
})

describe('the replica killed', () => {
  it("'prefer-replica' goes back to the primary", async () => {
    const cache = await setUp('prefer-replica')
    await replica.kill()
    expect(await readAll(cache)).toEqual({ right: KEYS, primary: ALL, replica: Number.NaN })
  })

  it("'replica' is strict: misses, and the primary is never asked", async () => {
    const cache = await setUp('replica')
    await replica.kill()
    expect(await readAll(cache)).toEqual({ right: 0, primary: 0, replica: Number.NaN })
  })
})

describe('a wrong password', () => {
  it('of a replica fails create, without the secret', async () => {
    const locked = await startRedis({ args: ['--requirepass', 'right'] })
    try {
      const node = redisNode(primary.url, { id: 'a', replicas: [`redis://:topsecret@127.0.0.1:${locked.port}`] })
      const error = await rejection(makeCache({ nodes: [node] }))
      expect(error).toMatchObject({ code: 'ERR_AUTH', name: 'NodeError' })
      expect(`${(error as Error).stack} ${JSON.stringify(error)}`).not.toContain('topsecret')
    } finally {
      await locked.stop()
    }
  })
})
