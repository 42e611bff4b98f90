import { describe, expect, it } from 'vitest'
import { bench, makeCache } from '../support/caches.ts'
import { FakeServer } from '../support/fake-node.ts'
import { memoryNode } from '../../src/node/memory.ts'

const START = Date.UTC(2026, 0, 1)

describe('get', () => {
  it('gives what was set, and undefined for what was not', async () => {
    const { cache } = await bench()
    await cache.set('user:1', { name: 'Ada', tags: [1, 'two', null] })
    expect(await cache.get('user:1')).toEqual({ name: 'Ada', tags: [1, 'two', null] })
    expect(await cache.get('user:2')).toBeUndefined()
    expect(cache.stats()).toMatchObject({ hits: 1, misses: 1 })
  })

  it.each([[null], [0], [''], [false], [[]], [{}]])('%j is a value, not a miss', async (value) => {
    const { cache } = await bench()
    await cache.set('key', value)
    expect(await cache.get('key')).toEqual(value)
    expect(await cache.has('key')).toBe(true)
    expect((await cache.getMany(['key'])).has('key')).toBe(true)
    expect(await cache.getOrLoad('key', () => 'loaded')).toEqual(value)
  })

  it('ends to the millisecond, although the node keeps the bytes for longer', async () => {
    const { cache, clock, server } = await bench()
    await cache.set('key', 1, { ttl: 100 })
    for (const stored of server.store.values()) stored.until = Infinity
    clock.advance(99)
    expect(await cache.get('key')).toBe(1)
    clock.advance(1)
    expect(await cache.get('key')).toBeUndefined()
  })

  it("an entry takes the call's ttl, else the cache's", async () => {
    const { cache, clock } = await bench({ ttl: '10s' })
    await cache.set('own', 1, { ttl: '1m' })
    await cache.set('default', 1)
    clock.advance(10_000)
    expect(await cache.has('default')).toBe(false)
    clock.advance(49_999)
    expect(await cache.has('own')).toBe(true)
    clock.advance(1)
    expect(await cache.has('own')).toBe(false)
  })

  it('gives every caller an object of its own from a node', async () => {
    const { cache } = await bench()
    await cache.set('key', { list: [1] })
    const first = await cache.get<{ list: number[] }>('key')
    first!.list.push(2)
    expect(await cache.get('key')).toEqual({ list: [1] })
  })
})

describe('getMany', () => {
  it('is a Map of the hits in the order of the keys, whatever node they are on; duplicates count once', async () => {
    const nodes = ['a', 'b', 'c'].map((id) => new FakeServer(id))
    const cache = await makeCache({ nodes: nodes.map((server) => server.node()) })
    const keys = Array.from({ length: 50 }, (_, i) => `key:${i}`)
    await cache.setMany(keys.map((key, i) => [key, i]))
    const asked = [...keys.toReversed(), 'absent', keys[7]!, keys[7]!]
    const found = await cache.getMany(asked)
    expect([...found]).toEqual(keys.map((key, i) => [key, i]).toReversed())
    const reads = nodes.flatMap(({ asked }) => asked.filter(({ operation }) => operation === 'read'))
    expect(reads.length).toBe(3)
    expect(reads.flatMap((read) => [...read.keys]).toSorted()).toEqual([...keys, 'absent'].toSorted())
  })

  it('takes any iterable, and nothing', async () => {
    const { cache, server } = await bench()
    await cache.set('a', 1)
    expect([...(await cache.getMany(new Set(['a'])))]).toEqual([['a', 1]])
    expect([...(await cache.getMany(['a'].values()))]).toEqual([['a', 1]])
    const before = server.asked.length
    expect((await cache.getMany([])).size).toBe(0)
    expect(server.asked.length).toBe(before)
  })

  it('leaves negative entries out', async () => {
    const { cache } = await bench()
    await cache.getOrLoad('none', () => undefined, { negativeTtl: '1m' })
    expect((await cache.getMany(['none'])).size).toBe(0)
  })
})

describe('has and getEntry', () => {
  it('tell a value, a negative entry and a miss apart', async () => {
    const { cache, clock } = await bench()
    await cache.set('value', 1, { ttl: '1m' })
    await cache.getOrLoad('none', () => undefined, { negativeTtl: '10s' })
    const none = { value: undefined, state: 'negative', source: 'fake', writtenAt: START, freshUntil: START + 10_000 }
    expect(await cache.getEntry('value')).toEqual({ ...none, value: 1, state: 'fresh', freshUntil: START + 60_000 })
    expect(await cache.getEntry('none')).toEqual(none)
    expect(await cache.getEntry('absent')).toBeUndefined()
    expect([await cache.has('value'), await cache.has('none'), await cache.has('absent')]).toEqual([true, false, false])
    clock.advance(10_000)
    expect(await cache.getEntry('none')).toBeUndefined()
  })

  it('say when it was L1 that answered', async () => {
    const { cache } = await bench({ l1: {} })
    await cache.set('key', 1)
    expect(await cache.getEntry('key')).toMatchObject({ value: 1, source: 'l1', writtenAt: START })
    expect(await cache.getEntry('key', { l1: false })).toMatchObject({ value: 1, source: 'fake' })
  })

  it('an entry stored raw has no times, wherever it comes from', async () => {
    const { cache } = await bench({ l1: {}, format: 'raw' })
    await cache.set('key', 1)
    expect(await cache.getEntry('key')).toEqual({ value: 1, state: 'fresh', source: 'l1' })
    expect(await cache.getEntry('key', { l1: false })).toEqual({ value: 1, state: 'fresh', source: 'fake' })
  })
})

describe('peek', () => {
  it('looks into L1 only, at once, and counts nothing', async () => {
    const { cache, server, clock } = await bench({ l1: { ttl: 100 } })
    expect(cache.peek('key')).toBeUndefined()
    await cache.set('key', 1)
    const { asked } = server
    const before = asked.length
    expect(cache.peek('key')).toBe(1)
    clock.advance(100)
    expect(cache.peek('key')).toBeUndefined()
    expect(asked.length).toBe(before)
    expect(cache.stats()).toMatchObject({ hits: 0, misses: 0, l1: { hits: 0, misses: 0 } })
  })

  it('is undefined without L1, and throws for a bad key', async () => {
    const { cache } = await bench()
    await cache.set('key', 1)
    expect(cache.peek('key')).toBeUndefined()
    expect(() => cache.peek('')).toThrow(expect.objectContaining({ code: 'ERR_KEY' }))
  })
})

describe('explain', () => {
  it('says where a key lives, and agrees with where it is', async () => {
    const servers = ['c', 'a', 'b'].map((id) => new FakeServer(id))
    const cache = await makeCache({ nodes: servers.map((server) => server.node()), namespace: 'app' })
    for (let i = 0; i < 30; i++) {
      const key = `user:{${i}}:cart`
      const { owner, fallbacks, hash, ...rest } = cache.explain(key)
      expect(rest).toEqual({ key, storedKey: `app:${key}`, tag: `${i}` })
      expect([owner, ...fallbacks].toSorted()).toEqual(['a', 'b', 'c'])
      expect(Number.isInteger(hash) && hash >= 0 && hash < 2 ** 32).toBe(true)
      await cache.set(key, i)
      expect(servers.filter(({ store }) => store.has(`app:${key}`)).map(({ id }) => id)).toEqual([owner])
    }
  })

  it('is the documented example', async () => {
    const cache = await makeCache({ nodes: [memoryNode('a'), memoryNode('b'), memoryNode('c')] })
    const { hash, owner, fallbacks } = cache.explain('user:1')
    expect({ key: 'user:1', storedKey: 'user:1', tag: 'user:1', hash, owner, fallbacks }).toEqual(
      cache.explain('user:1'),
    )
    expect({ hash, owner, fallbacks }).toEqual({ hash: 2100717921, owner: 'b', fallbacks: ['c', 'a'] })
  })
})
