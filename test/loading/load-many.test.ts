import { describe, expect, it } from 'vitest'
import type { LoaderMany } from '../../src/types.ts'
import { bench, collect, makeCache, rejection, turn } from '../support/caches.ts'
import { FakeServer, gate, isDown } from '../support/fake-node.ts'

const keys = (...names: string[]): string[] => names

describe('getOrLoadMany', () => {
  it('loads exactly the keys that are missing, in one call, and gives all in the order asked', async () => {
    const { cache } = await bench({ l1: {} })
    await cache.set('l1', 'from l1')
    await cache.set('node', 'from the node', { l1: false })
    const calls: string[][] = []
    const load: LoaderMany<string> = (missing) => {
      calls.push(missing)
      return new Map(missing.toReversed().map((key) => [key, `loaded ${key}`]))
    }
    const found = await cache.getOrLoadMany(keys('z', 'node', 'a', 'l1', 'z', 'a'), load)
    expect([...found]).toEqual([
      ['z', 'loaded z'],
      ['node', 'from the node'],
      ['a', 'loaded a'],
      ['l1', 'from l1'],
    ])
    expect(calls).toEqual([['z', 'a']])
    expect((await cache.getOrLoadMany(keys('a', 'z'), load)).size).toBe(2)
    expect(calls).toHaveLength(1)
  })

  it('asks nobody for nothing', async () => {
    const { cache, server } = await bench()
    expect(await cache.getOrLoadMany([], () => new Map())).toEqual(new Map())
    expect([server.asked.length, cache.stats().loads.started]).toEqual([0, 0])
  })

  it('joins loads of single keys, and is joined by them', async () => {
    const { cache } = await bench()
    const [one, many] = [gate<string>(), gate<Map<string, string>>()]
    const calls: string[][] = []
    const single = cache.getOrLoad('a', () => one.promise)
    const both = cache.getOrLoadMany(keys('a', 'b'), (missing) => {
      calls.push(missing)
      return many.promise
    })
    const joined = cache.getOrLoad('b', () => 'never called')
    await turn()
    expect(calls).toEqual([['b']])
    one.open('A')
    many.open(new Map([['b', 'B']]))
    expect(await Promise.all([single, joined])).toEqual(['A', 'B'])
    expect([...(await both)]).toEqual([
      ['a', 'A'],
      ['b', 'B'],
    ])
  })

  it('leaves out what there is none of, and remembers it when asked to', async () => {
    const { cache } = await bench()
    const calls: string[][] = []
    const load: LoaderMany<number> = (missing) => {
      calls.push(missing)
      return new Map([['a', 1]])
    }
    const how = { negativeTtl: '1m' } as const
    expect([...(await cache.getOrLoadMany(keys('a', 'b'), load, how))]).toEqual([['a', 1]])
    expect([...(await cache.getOrLoadMany(keys('a', 'b'), load, how))]).toEqual([['a', 1]])
    expect(calls).toEqual([['a', 'b']])
  })

  it('a node that fails costs only its own keys', async () => {
    const servers = ['a', 'b', 'c'].map((id) => new FakeServer(id))
    const cache = await makeCache({ nodes: servers.map((server) => server.node()) })
    const names = Array.from({ length: 60 }, (_, i) => `key:${i}`)
    await cache.setMany(names.map((name) => [name, `cached ${name}`]))
    servers[1]!.all = isDown
    const lost = names.filter((name) => cache.explain(name).owner === 'b')
    expect(lost.length).toBeGreaterThan(5)
    const errors = collect(cache, 'node-error')
    const calls: string[][] = []
    const found = await cache.getOrLoadMany(names, (missing) => {
      calls.push(missing)
      return missing.map((name) => [name, `loaded ${name}`])
    })
    expect(calls).toEqual([lost])
    expect([...found]).toEqual(names.map((name) => [name, `${lost.includes(name) ? 'loaded' : 'cached'} ${name}`]))
    // Its circuit is open by then: what nobody misses is not even tried.
    expect(errors).toMatchObject([{ node: 'b', operation: 'read', keys: lost.length }])
    expect([...(await cache.getMany(names)).keys()]).toEqual(names.filter((name) => !lost.includes(name)))
    expect(cache.stats().dropped['fill-failed']).toBe(lost.length)
  })

  it('rejects when the loader does, all keys together', async () => {
    const { cache } = await bench()
    await cache.set('a', 1)
    const error = await rejection(cache.getOrLoadMany(keys('a', 'b', 'c'), () => Promise.reject(new Error('down'))))
    expect(error).toMatchObject({ code: 'ERR_LOAD', message: 'the load of "b" and 1 more failed: down' })
    expect(cache.stats().loads.running).toBe(0)
  })

  it('one value that cannot be encoded rejects the call, and leaves the others cached', async () => {
    const { cache } = await bench()
    const load: LoaderMany<unknown> = () => [
      ['a', 1],
      ['b', 2n],
    ]
    expect(await rejection(cache.getOrLoadMany(keys('a', 'b'), load))).toMatchObject({ code: 'ERR_VALUE' })
    await turn()
    expect(await cache.get('a')).toBe(1)
  })

  it('works through a space, by the names that the space knows', async () => {
    const { cache, server } = await bench()
    const found = await cache
      .space<number>('user')
      .getOrLoadMany(keys('1', '2'), (missing) => missing.map((id) => [id, 5]))
    expect([...found.keys()]).toEqual(['1', '2'])
    expect([...server.store.keys()]).toEqual(['user:1', 'user:2'])
  })
})

describe('what a loader of many may return', () => {
  const rows = [
    { id: 'a', name: 'Ada' },
    { id: 'b', name: 'Bob' },
  ]
  it.each<[string, unknown, string]>([
    ['rows', rows, 'a list that holds an object with the keys id, name'],
    ['a Map by number', new Map([[1, 'a']]), 'the key 1 (number), which was not asked for'],
    ['a Map with another key', new Map([['A', 1]]), 'the key "A" (string), which was not asked for'],
    [
      'a key more than asked for',
      [
        ['a', 1],
        ['x', 2],
      ],
      'the key "x" (string), which was not asked for',
    ],
    ['values alone', ['Ada', 'Bob'], 'a list that holds a string'],
    ['a triple', [['a', 1, 2]], 'a list that holds an array of 3'],
    ['undefined', undefined, 'it gave undefined'],
    ['null', null, 'it gave null'],
    ['a string', 'ab', 'it gave a string'],
    ['a plain object', { a: 1 }, 'an object with the keys a'],
    ['a number', 5, 'it gave a number'],
  ])('not %s', async (_, result, message) => {
    const { cache, server } = await bench()
    const loads = collect(cache, 'load')
    const error = await rejection(cache.getOrLoadMany(keys('a', 'b'), () => result as never))
    expect(error).toMatchObject({ code: 'ERR_LOADER_RESULT', name: 'LoadError' })
    expect((error as Error).message).toContain(message)
    expect(server.count('write')).toBe(0)
    expect(cache.stats().loads).toMatchObject({ started: 1, failed: 1, running: 0 })
    expect(loads).toMatchObject([{ ok: false, keys: 2 }])
  })

  it.each<[string, () => unknown]>([
    ['a Map', () => new Map([['a', 1]])],
    ['pairs', () => [['a', 1]]],
    ['an iterator of pairs', () => Object.entries({ a: 1 }).values()],
    ['a promise of pairs', () => Promise.resolve([['a', 1]])],
    [
      'a generator',
      function* () {
        yield ['a', 1]
      },
    ],
  ])('but %s', async (_, load) => {
    const { cache } = await bench()
    expect([...(await cache.getOrLoadMany(keys('a', 'b'), load as LoaderMany<number>))]).toEqual([['a', 1]])
  })

  it('a generator that throws half way is a loader that fails', async () => {
    const { cache, server } = await bench()
    const error = await rejection(
      cache.getOrLoadMany(keys('a', 'b'), function* () {
        yield ['a', 1] as const
        throw new Error('cursor lost')
      }),
    )
    expect(error).toMatchObject({ code: 'ERR_LOAD', message: 'the load of "a" and 1 more failed: cursor lost' })
    expect(server.count('write')).toBe(0)
  })

  it('holds for a load that bypasses the cache', async () => {
    const { cache } = await bench()
    const error = await rejection(cache.getOrLoadMany(keys('a'), () => rows as never, { cache: 'bypass' }))
    expect(error).toMatchObject({ code: 'ERR_LOADER_RESULT' })
  })
})
