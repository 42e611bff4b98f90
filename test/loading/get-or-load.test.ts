import { describe, expect, it } from 'vitest'
import { bytesCodec, v8Codec } from '../../src/entry/codec.ts'
import type { LoaderContext } from '../../src/types.ts'
import { bench, rejection, turn } from '../support/caches.ts'
import { gate, isDown } from '../support/fake-node.ts'

describe('one flight', () => {
  it('per key for a hundred callers, who share its value', async () => {
    const { cache } = await bench()
    const database = gate<object>()
    let calls = 0
    const load = () => {
      calls++
      return database.promise
    }
    const callers = Array.from({ length: 100 }, () => cache.getOrLoad('key', load))
    await turn()
    expect([calls, cache.stats().loads.running]).toEqual([1, 1])
    database.open({ value: 1 })
    const values = await Promise.all(callers)
    expect(values[0]).toEqual({ value: 1 })
    expect(new Set(values).size).toBe(1)
    expect(cache.stats().loads).toMatchObject({ started: 1, failed: 0, shared: 99, running: 0 })
    expect(await cache.getOrLoad('key', load)).toEqual({ value: 1 })
    expect(calls).toBe(1)
  })

  it('shares its error: the same object, with the loader’s as its cause', async () => {
    const { cache } = await bench()
    const broken = new Error('no database')
    const database = gate<never>()
    const callers = Array.from({ length: 100 }, () => rejection(cache.getOrLoad('key', () => database.promise)))
    await turn()
    database.fail(broken)
    const errors = await Promise.all(callers)
    expect(errors[0]).toMatchObject({ code: 'ERR_LOAD', cause: broken, name: 'LoadError' })
    expect((errors[0] as Error).message).toBe('the load of "key" failed: no database')
    expect(new Set(errors).size).toBe(1)
    expect(cache.stats().loads).toMatchObject({ started: 1, failed: 1 })
    expect(await cache.getOrLoad('key', () => 'again')).toBe('again')
  })

  it('is of its own for every key', async () => {
    const { cache } = await bench()
    const keys = await Promise.all(['a', 'b', 'a'].map((key) => cache.getOrLoad(key, (context) => context.key)))
    expect(keys).toEqual(['a', 'b', 'a'])
    expect(cache.stats().loads.started).toBe(2)
  })
})

describe('the loader', () => {
  it('gets the key as it was asked for, and a signal', async () => {
    const { cache } = await bench({ namespace: 'app' })
    const seen: [string, boolean][] = []
    await cache.space('user').getOrLoad('1', ({ key, signal }) => {
      seen.push([key, signal.aborted])
      return 1
    })
    expect(seen).toEqual([['1', false]])
  })

  it.each([
    [new TypeError('x is not a function'), 'x is not a function'],
    ['a string', '"a string"'],
    [undefined, 'undefined'],
  ])('may throw at once: %s', async (thrown, message) => {
    const { cache } = await bench()
    const load = (): never => {
      throw thrown
    }
    const error = await rejection(cache.getOrLoad('key', load))
    expect(error).toMatchObject({ code: 'ERR_LOAD', message: `the load of "key" failed: ${message}` })
    expect((error as Error).cause).toBe(thrown)
  })

  it('may give a value that is no promise', async () => {
    const { cache } = await bench()
    expect(await cache.getOrLoad('key', () => 5)).toBe(5)
  })
})

describe('a hit and a miss look alike', () => {
  class User {
    name = 'Ada'
    born = new Date(0)
    skipped = undefined
  }

  it('through JSON', async () => {
    const { cache } = await bench()
    const miss = await cache.getOrLoad<object>('key', () => new User())
    const hit = await cache.getOrLoad<object>('key', () => new User())
    expect(miss).toStrictEqual({ name: 'Ada', born: '1970-01-01T00:00:00.000Z' })
    expect(hit).toStrictEqual(miss)
  })

  it('through a codec that keeps more', async () => {
    const { cache } = await bench({ codec: v8Codec })
    const value = { when: new Date(5), tags: new Map([['a', 1n]]) }
    const miss = await cache.getOrLoad<object>('key', () => value)
    expect(miss).not.toBe(value)
    expect(miss).toStrictEqual(value)
    expect(await cache.get('key')).toStrictEqual(value)
  })

  it('with L1, and when the node is down', async () => {
    const { cache, server } = await bench({ l1: {} })
    server.all = isDown
    const miss = await cache.getOrLoad<object>('key', () => new User())
    expect(miss).toStrictEqual({ name: 'Ada', born: '1970-01-01T00:00:00.000Z' })
    expect(await cache.getOrLoad<object>('key', () => new User())).toStrictEqual(miss)
    expect(await cache.getOrLoad<object>('other', () => new User(), { cache: 'bypass' })).toStrictEqual(miss)
  })

  it('a codec that declares itself identity gives the loader’s own object', async () => {
    const { cache } = await bench({ l1: {}, codec: { ...bytesCodec, identity: true } })
    const bytes = Buffer.from('abc')
    expect(await cache.getOrLoad('key', () => bytes)).toBe(bytes)
    expect(await cache.get('key')).toBe(bytes)
    expect(await cache.get('key', { l1: false })).toStrictEqual(bytes)
  })

  it.each([[1n], [Symbol('s')], [() => 1]])('%s cannot be encoded: ERR_VALUE, nothing written', async (value) => {
    const { cache, server } = await bench()
    expect(await rejection(cache.getOrLoad('key', () => value))).toMatchObject({ code: 'ERR_VALUE' })
    expect(server.count('write')).toBe(0)
  })
})

describe('there is none', () => {
  it('is not remembered unless asked for', async () => {
    const { cache, server } = await bench()
    let calls = 0
    const load = () => {
      calls++
      return undefined
    }
    expect(await cache.getOrLoad('key', load)).toBeUndefined()
    expect(await cache.getOrLoad('key', load)).toBeUndefined()
    expect([calls, server.count('write')]).toEqual([2, 0])
  })

  it.each([
    ['of the call', {}, { negativeTtl: 1_000 }],
    ['of the cache', { negativeTtl: 1_000 }, {}],
  ])('is remembered for the negativeTtl %s, in both tiers', async (_, options, how) => {
    const { cache, clock, server } = await bench({ l1: { ttl: '1m' }, ...options })
    let calls = 0
    const load = () => {
      calls++
      return undefined
    }
    for (let i = 0; i < 3; i++) expect(await cache.getOrLoad('key', load, how)).toBeUndefined()
    expect(await cache.getOrLoad('key', load, { ...how, l1: false })).toBeUndefined()
    expect(await cache.get('key')).toBeUndefined()
    expect([calls, server.count('write')]).toEqual([1, 1])
    clock.advance(1_000)
    await cache.getOrLoad('key', load, how)
    expect(calls).toBe(2)
  })

  it('is not stored raw: there are no bytes for it', async () => {
    const { cache, server } = await bench({ format: 'raw', negativeTtl: '1m' })
    expect(await cache.getOrLoad('key', () => undefined)).toBeUndefined()
    expect(server.count('write')).toBe(0)
  })

  it('null is a value', async () => {
    const { cache } = await bench()
    expect(await cache.getOrLoad('key', () => null)).toBeNull()
    expect(await cache.getOrLoad('key', () => 'other')).toBeNull()
  })
})

describe('how much of the cache is used', () => {
  it('refresh: loads whatever is cached, and caches that', async () => {
    const { cache, server } = await bench({ l1: {} })
    await cache.set('key', 'old')
    const reads = server.count('read')
    expect(await cache.getOrLoad('key', () => 'new', { cache: 'refresh' })).toBe('new')
    expect(server.count('read')).toBe(reads)
    expect([cache.peek('key'), await cache.get('key', { l1: false })]).toEqual(['new', 'new'])
  })

  it('refresh: never joins a load that began before it, which then writes nothing', async () => {
    const { cache } = await bench()
    const [older, newer] = [gate<string>(), gate<string>()]
    const first = cache.getOrLoad('key', () => older.promise)
    await turn()
    const second = cache.getOrLoad('key', () => newer.promise, { cache: 'refresh' })
    await turn()
    const joined = cache.getOrLoad('key', () => 'a third')
    newer.open('new')
    expect([await second, await joined]).toEqual(['new', 'new'])
    older.open('old')
    expect(await first).toBe('old')
    await turn()
    expect(await cache.get('key')).toBe('new')
    expect(cache.stats().dropped.overtaken).toBe(1)
  })

  it('bypass: loads, and leaves the cache and other loads alone', async () => {
    const { cache, server } = await bench({ l1: {} })
    await cache.set('key', 'cached')
    const before = server.asked.length
    expect(await cache.getOrLoad('key', () => 'loaded', { cache: 'bypass' })).toBe('loaded')
    expect(await cache.getOrLoad('none', () => undefined, { cache: 'bypass', negativeTtl: 5 })).toBeUndefined()
    expect(server.asked.length).toBe(before)
    expect(cache.peek('key')).toBe('cached')
    expect(
      await rejection(cache.getOrLoad('key', () => Promise.reject(new Error('x')), { cache: 'bypass' })),
    ).toMatchObject({ code: 'ERR_LOAD' })
  })

  it('l1: false neither looks into L1 nor fills it', async () => {
    const { cache, server } = await bench({ l1: {} })
    await cache.set('key', 'l1')
    server.store.clear()
    expect(await cache.getOrLoad('key', () => 'loaded', { l1: false })).toBe('loaded')
    expect(cache.peek('key')).toBeUndefined()
  })
})

describe('the context', () => {
  it('makes no signal unless it is asked for', async () => {
    const { cache } = await bench()
    const contexts: LoaderContext[] = []
    await cache.getOrLoad('key', (context) => contexts.push(context))
    expect(contexts[0]!.signal).toBe(contexts[0]!.signal)
  })
})
