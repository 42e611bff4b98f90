import { describe, expect, it } from 'vitest'
import { bytesCodec, v8Codec } from '../../src/entry/codec.ts'
import type { LoaderContext } from '../../src/types.ts'
import { bench, collect, rejection, turn } from '../support/caches.ts'
import { after, gate, isDown } from '../support/fake-node.ts'

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

describe('when nodes fail', () => {
  it('the loader answers, the value is told as not written, and L1 has it', async () => {
    const { cache, server } = await bench({ l1: {} })
    server.all = isDown
    const dropped = collect(cache, 'dropped')
    expect(await cache.getOrLoad('key', () => 'loaded')).toBe('loaded')
    await turn()
    expect(dropped).toMatchObject([{ type: 'dropped', reason: 'fill-failed', key: 'key' }])
    expect(cache.stats().dropped['fill-failed']).toBe(1)
    expect(cache.peek('key')).toBe('loaded')
    expect(await cache.getOrLoad('key', () => 'again')).toBe('loaded')
  })

  it('a read that hangs costs the node time-out, once, and a fill nothing more', async () => {
    const { cache, server, clock } = await bench({ nodeTimeout: 250 })
    server.all = () => new Promise(() => {})
    const loading = cache.getOrLoad('key', () => 'loaded')
    await clock.advanceAsync(249)
    expect(cache.stats().loads.started).toBe(0)
    await clock.advanceAsync(1)
    expect(await loading).toBe('loaded')
    expect(clock.monotonic()).toBe(250)
  })

  it('a fill that hangs costs what is left of the node time-out', async () => {
    const { cache, server, clock } = await bench({ nodeTimeout: 250 })
    server.reads = after(new Promise<void>((resolve) => clock.setTimer(resolve, 100)))
    server.writes = () => new Promise(() => {})
    const loading = cache.getOrLoad('key', () => 'loaded').then(() => clock.monotonic())
    await clock.advanceAsync(1_000)
    expect(await loading).toBe(250)
    expect(cache.stats().dropped['fill-failed']).toBe(1)
  })

  it('a value too large for its node is returned and counted', async () => {
    const { cache, server } = await bench({ l1: {} })
    server.maxValueBytes = 100
    const dropped = collect(cache, 'dropped')
    const large = 'x'.repeat(100)
    expect(await cache.getOrLoad('key', () => large)).toBe(large)
    expect(server.count('write')).toBe(0)
    expect(dropped).toMatchObject([{ reason: 'too-large', key: 'key' }])
  })

  it('raw values have the whole of it', async () => {
    const { cache, server } = await bench({ format: 'raw' })
    server.maxValueBytes = 100
    await cache.getOrLoad('key', () => 'x'.repeat(98))
    expect(await cache.get('key')).toHaveLength(98)
  })

  it("onNodeError: 'throw' rejects with the node's error instead of loading", async () => {
    const { cache, server } = await bench({ onNodeError: 'throw' })
    server.all = isDown
    let calls = 0
    const down = { code: 'ERR_NODE_DOWN' }
    expect(await rejection(cache.getOrLoad('key', () => calls++))).toMatchObject(down)
    expect(await rejection(cache.get('key'))).toMatchObject(down)
    expect(await rejection(cache.set('key', 1))).toMatchObject(down)
    expect(await rejection(cache.delete('key'))).toMatchObject(down)
    expect(calls).toBe(0)
  })
})

describe('a schema', () => {
  const schema = {
    '~standard': {
      version: 1 as const,
      vendor: 'test',
      validate: (value: unknown) =>
        typeof value === 'number' ? { value: value * 10 } : { issues: [{ message: 'not a number' }] },
    },
  }

  it('shapes what is loaded as it shapes what is read', async () => {
    const { cache } = await bench({ schema, l1: {} })
    expect(await cache.getOrLoad('key', () => 1)).toBe(10)
    expect([cache.peek('key'), await cache.get('key', { l1: false })]).toEqual([10, 10])
  })

  it('refuses what the loader gave: ERR_LOADER_RESULT, nothing written', async () => {
    const { cache, server } = await bench({ schema })
    const error = await rejection(cache.getOrLoad('key', () => 'secret'))
    expect(error).toMatchObject({ code: 'ERR_LOADER_RESULT' })
    expect((error as Error).message).toBe('what was loaded for "key" does not fit the schema: not a number')
    expect(server.count('write')).toBe(0)
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
