import { describe, expect, it } from 'vitest'
import type { CacheOptions } from '../../src/options.ts'
import type { ReadPolicy } from '../../src/shard/read-policy.ts'
import { collect, makeCache } from '../support/caches.ts'
import { FakeServer, hangs, isDown } from '../support/fake-node.ts'
import { ManualClock } from '../../src/testing/index.ts'
import { NodeError } from '../../src/base/errors.ts'

async function setUp(reads?: ReadPolicy, replicaCount = 2, options: Partial<CacheOptions> = {}) {
  const clock = new ManualClock()
  const primary = new FakeServer('p')
  const replicas = Array.from({ length: replicaCount }, (_, i) => new FakeServer(`r${i + 1}`))
  const servers = [primary, ...replicas]
  const cache = await makeCache({
    nodes: [primary.node({ replicas })],
    clock,
    nodeTimeout: 200,
    random: () => 0,
    ...(reads === undefined ? {} : { reads }),
    ...options,
  })
  await cache.set('key', 'value')
  for (const replica of replicas) for (const [key, stored] of primary.store) replica.store.set(key, stored)
  // What was written within the last second is read from the primary.
  clock.advance(1_000)
  return { cache, clock, primary, replicas, servers, asked: () => servers.map((server) => server.count('read')) }
}

describe('writes', () => {
  it('go to the primary alone, whatever the policy', async () => {
    const { cache, replicas } = await setUp('replica')
    await cache.set('other', 1)
    await cache.delete('key')
    await cache.getOrLoad('third', () => 3)
    for (const replica of replicas) {
      expect([replica.count('write'), replica.count('remove')]).toEqual([0, 0])
    }
  })
})

describe('reads by policy', () => {
  it.each<[ReadPolicy, number[]]>([
    ['prefer-primary', [1, 0, 0]],
    ['primary', [1, 0, 0]],
    ['replica', [0, 1, 0]],
    ['prefer-replica', [0, 1, 0]],
    [(members) => members.slice(2), [0, 0, 1]],
  ])('%s asks the right one', async (policy, expected) => {
    const { cache, asked } = await setUp(policy)
    expect(await cache.get('key')).toBe('value')
    expect(asked()).toEqual(expected)
  })

  it('of a call or a space beats the cache’s', async () => {
    const { cache, asked } = await setUp('primary')
    await cache.get('key', { reads: 'replica' })
    expect(asked()).toEqual([0, 1, 0])
    await cache.space('s', { reads: 'replica' }).get('1')
    expect(asked()).toEqual([0, 2, 0])
    await cache.space('s', { reads: 'replica' }).get('1', { reads: 'primary' })
    expect(asked()).toEqual([1, 2, 0])
    await cache.getOrLoad('key', () => 'never', { reads: 'replica' })
    expect(asked()).toEqual([1, 3, 0])
  })

  it('a shard without replicas is read from its primary', async () => {
    for (const policy of ['replica', 'prefer-replica', 'nearest'] as const) {
      const { cache, asked } = await setUp(policy, 0)
      expect(await cache.get('key')).toBe('value')
      expect(asked()).toEqual([1])
    }
  })

  it('a miss is an answer: no other member is asked', async () => {
    const { cache, asked } = await setUp('prefer-primary')
    expect(await cache.get('none')).toBeUndefined()
    expect(asked()).toEqual([1, 0, 0])
  })

  it('a function that names nobody makes a miss, and asks nobody', async () => {
    const { cache, asked } = await setUp(() => [])
    expect(await cache.get('key')).toBeUndefined()
    expect(await cache.getOrLoad('key', () => 'loaded')).toBe('loaded')
    expect(asked()).toEqual([0, 0, 0])
  })

  it('a function that names strangers asks none of them', async () => {
    const stranger = { role: 'replica', address: 'elsewhere:1', state: 'up', latency: 0 } as const
    const { cache, asked } = await setUp((members) => [stranger, members[1]!])
    expect(await cache.get('key')).toBe('value')
    expect(asked()).toEqual([0, 1, 0])
  })
})

describe('when a member fails', () => {
  it("'primary' is strict: a miss, and no replica is asked", async () => {
    const { cache, asked, primary } = await setUp('primary')
    primary.all = isDown
    expect(await cache.get('key')).toBeUndefined()
    expect(asked()).toEqual([1, 0, 0])
  })

  it("'replica' is strict: never the primary", async () => {
    const { cache, asked, replicas } = await setUp('replica')
    for (const replica of replicas) replica.all = isDown
    expect(await cache.get('key')).toBeUndefined()
    expect(asked()).toEqual([0, 1, 1])
    expect(await cache.get('key')).toBeUndefined()
    expect(asked()).toEqual([0, 1, 1])
  })

  it.each<[ReadPolicy, number, number[]]>([
    ['prefer-primary', 1, [1, 1, 0]],
    ['prefer-replica', 2, [1, 1, 1]],
  ])('%s goes on to the next', async (policy, retries, expected) => {
    const { cache, asked, primary, replicas } = await setUp(policy, 2, { retries })
    const failovers = collect(cache, 'failover')
    for (const server of policy === 'prefer-primary' ? [primary] : replicas) server.all = isDown
    expect(await cache.get('key')).toBe('value')
    expect(asked()).toEqual(expected)
    expect(failovers).toHaveLength(1)
  })

  it('a read costs one command more than one, by default, and passes over members that are known to be down', async () => {
    const { cache, asked, replicas } = await setUp('prefer-replica')
    for (const server of replicas) server.all = isDown
    expect(await cache.get('key')).toBeUndefined()
    expect(asked()).toEqual([0, 1, 1])
    // Both circuits are open now: the primary is the first one that is asked.
    expect(await cache.get('key')).toBe('value')
    expect(asked()).toEqual([1, 1, 1])
  })

  it('without retries nobody else is asked', async () => {
    const { cache, asked, primary } = await setUp('prefer-primary', 2, { retries: 0 })
    primary.reads = () => Promise.resolve([new NodeError('ERR_NODE', 'BUSY')])
    expect(await cache.get('key')).toBeUndefined()
    expect(asked()).toEqual([1, 0, 0])
  })

  it('only the keys that failed are asked for again', async () => {
    const { cache, clock, primary, replicas } = await setUp()
    await cache.setMany(['a', 'b', 'c'].map((key) => [key, key]))
    for (const [key, stored] of primary.store) replicas[0]!.store.set(key, stored)
    clock.advance(1_000)
    primary.reads = (answer, keys) =>
      Promise.resolve(answer().map((one, i) => (keys[i] === 'b' ? new NodeError('ERR_NODE', 'BUSY') : one)))
    expect([...(await cache.getMany(['a', 'b', 'c']))]).toEqual(['a', 'b', 'c'].map((key) => [key, key]))
    expect(replicas[0]!.asked).toEqual([{ operation: 'read', keys: ['b'] }])
  })

  it('hanging members are passed over inside one deadline', async () => {
    const { cache, clock, primary, replicas, asked } = await setUp('prefer-primary', 2, { retries: 2 })
    primary.all = hangs
    replicas[0]!.all = hangs
    const began = clock.monotonic()
    const reading = cache.get('key').then((value) => [value, clock.monotonic() - began])
    await clock.advanceAsync(99)
    expect(asked()).toEqual([1, 0, 0])
    await clock.advanceAsync(1)
    expect(asked()).toEqual([1, 1, 0])
    await clock.advanceAsync(50)
    expect(await reading).toEqual(['value', 150])
  })

  it('all of them hanging cost one node time-out', async () => {
    const { cache, clock, servers } = await setUp()
    for (const server of servers) server.all = hangs
    const began = clock.monotonic()
    const reading = cache.get('key').then((value) => [value, clock.monotonic() - began])
    await clock.advanceAsync(1_000)
    expect(await reading).toEqual([undefined, 200])
  })

  it('passing a slow one over does not cost its connection', async () => {
    const { cache, clock, primary } = await setUp()
    primary.all = hangs
    const reading = cache.get('key')
    await clock.advanceAsync(100)
    expect(await reading).toBe('value')
    expect(primary.reset).toBe(0)
    const again = cache.get('key')
    await clock.advanceAsync(100)
    expect(await again).toBe('value')
    expect(primary.reset).toBe(1)
  })

  it("'nearest' keeps away from a member that is down, and from the far zone", async () => {
    const [primary, near, far] = [new FakeServer('p'), new FakeServer('near'), new FakeServer('far')]
    const node = primary.node({ zone: 'z1', replicas: [near, far] })
    const zoned = { ...node, replicas: node.replicas.map((one, i) => ({ ...one, zone: i === 0 ? 'z2' : 'z1' })) }
    const cache = await makeCache({ nodes: [zoned], reads: 'nearest', zone: 'z2', random: () => 0.5 })
    await cache.get('key')
    expect([primary, near, far].map((server) => server.count('read'))).toEqual([0, 1, 0])
    near.all = isDown
    for (let i = 0; i < 5; i++) await cache.get('key')
    expect(near.count('read')).toBe(2)
    expect(primary.count('read') + far.count('read')).toBe(5)
  })
})
