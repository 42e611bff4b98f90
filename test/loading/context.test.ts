import { describe, expect, it } from 'vitest'
import type { CacheOptions } from '../../src/options.ts'
import { memoryNode } from '../../src/node/memory.ts'
import { bench, rejection, turn, type Bench } from '../support/caches.ts'

function memoryBench(options: Partial<CacheOptions> = {}): Promise<Bench> {
  return bench({ nodes: [memoryNode('m')], ttl: 60_000, l1: {}, ...options })
}

describe('ctx.ttl', () => {
  it('says how long this value is fresh, whatever the call says', async () => {
    const { cache, clock } = await memoryBench()
    await cache.getOrLoad('key', (context) => (context.ttl('2s'), 'value'), { ttl: '1h' })
    expect(await cache.getEntry('key')).toMatchObject({ freshUntil: clock.now() + 2_000 })
    clock.advance(1_999)
    expect(await cache.get('key')).toBe('value')
    clock.advance(1)
    expect(await cache.get('key')).toBeUndefined()
  })

  it('may be said after a pause, and the last word counts', async () => {
    const { cache, clock } = await memoryBench()
    await cache.getOrLoad('key', async (context) => {
      context.ttl(1)
      await turn()
      context.ttl(5_000)
      return 'value'
    })
    expect(await cache.getEntry('key')).toMatchObject({ freshUntil: clock.now() + 5_000 })
  })

  it('counts for all keys of a load of many, and the windows come on top', async () => {
    const { cache, clock } = await memoryBench({ staleIfError: 1_000 })
    await cache.getOrLoadMany(['a', 'b'], (missing, context) => {
      context.ttl(2_000)
      return missing.map((key) => [key, key])
    })
    clock.advance(2_999)
    for (const key of ['a', 'b']) expect(await cache.getEntry(key)).toMatchObject({ value: key, state: 'stale' })
    clock.advance(1)
    for (const key of ['a', 'b']) expect(await cache.getEntry(key)).toBeUndefined()
  })

  it('says nothing about how long "there is none" is remembered', async () => {
    const { cache, clock } = await memoryBench({ negativeTtl: 100 })
    await cache.getOrLoad('key', (context) => context.ttl('1h'))
    expect(await cache.getEntry('key')).toMatchObject({ state: 'negative', freshUntil: clock.now() + 100 })
  })

  it.each([0, -1, Number.NaN, Infinity, 'soon', null])(
    'that is no duration (%s) throws in the loader: a failed load, with the OptionError as its cause',
    async (given) => {
      const { cache } = await memoryBench()
      const error = await rejection(
        cache.getOrLoad('key', (context) => {
          context.ttl(given as number)
          return 'value'
        }),
      )
      expect(error).toMatchObject({ code: 'ERR_LOAD', cause: { code: 'ERR_OPTION' } })
      expect((error as Error).message).toContain('the ttl of a load')
      expect(await cache.get('key')).toBeUndefined()
    },
  )

  it('that is no duration harms nothing when the loader catches it', async () => {
    const { cache, clock } = await memoryBench()
    await cache.getOrLoad('key', (context) => {
      try {
        context.ttl(-1)
      } catch {
        return 'value'
      }
      return 'no'
    })
    expect(await cache.getEntry('key')).toMatchObject({ value: 'value', freshUntil: clock.now() + 60_000 })
  })
})

describe('ctx.skip', () => {
  it('gives the value to those who wait, and caches it nowhere', async () => {
    const { cache } = await memoryBench()
    let calls = 0
    const load = (context: { skip(): void }): number => {
      context.skip()
      return ++calls
    }
    const both = [cache.getOrLoad('key', load), cache.getOrLoad('key', load)]
    expect(await Promise.all(both)).toEqual([1, 1])
    expect([cache.peek('key'), await cache.get('key')]).toEqual([undefined, undefined])
    // The lease was given back: the next load does not wait for its end.
    expect(await cache.getOrLoad('key', load)).toBe(2)
  })

  it('holds for all keys of a load of many, and for "there is none"', async () => {
    const { cache } = await memoryBench({ negativeTtl: 1_000 })
    const loaded = await cache.getOrLoadMany(['a', 'none'], (_, context) => {
      context.skip()
      return [['a', 1]]
    })
    expect([...loaded]).toEqual([['a', 1]])
    expect([await cache.getEntry('a'), await cache.getEntry('none')]).toEqual([undefined, undefined])
  })

  it('leaves a value that is out of date where it is', async () => {
    const { cache, clock } = await memoryBench({ ttl: 100, staleIfError: 60_000 })
    await cache.set('key', 'old')
    clock.advance(100)
    expect(await cache.getOrLoad('key', (context) => (context.skip(), 'new'))).toBe('new')
    expect(await cache.getEntry('key')).toMatchObject({ value: 'old', state: 'stale' })
  })
})

describe('ctx.stale and ctx.key', () => {
  it.each([{ staleIfError: 1_000 }, { staleWhileRevalidate: 1_000 }])(
    'are the value that is out of date, for the loader to look at, and its key (%o)',
    async (windows) => {
      const { cache, clock } = await memoryBench({ ttl: 100, ...windows })
      const space = cache.space<{ etag: number }>('s')
      await space.set('key', { etag: 1 })
      clock.advance(100)
      const seen: unknown[] = []
      await space.getOrLoad('key', (context) => {
        seen.push(context.stale, context.key)
        return { etag: 2 }
      })
      await turn()
      expect(seen).toEqual([{ etag: 1 }, 'key'])
      expect(await space.get('key')).toEqual({ etag: 2 })
    },
  )

  it('there is none on a miss, beyond the windows, and after a delete', async () => {
    const { cache, clock } = await memoryBench({ ttl: 100, staleIfError: 1_000 })
    const seen: unknown[] = []
    const load = (context: { stale: unknown }): string => {
      seen.push(context.stale)
      return 'new'
    }
    await cache.getOrLoad('key', load)
    clock.advance(1_100)
    await cache.getOrLoad('key', load)
    clock.advance(100)
    await cache.delete('key')
    await cache.getOrLoad('key', load)
    expect(seen).toEqual([undefined, undefined, undefined])
  })
})

describe('ctx.signal', () => {
  it('of a load of many is aborted by its hard time-out, and by the end of the cache', async () => {
    const { cache, clock } = await memoryBench({ hardTimeout: 100 })
    const reasons: unknown[] = []
    const load = (_: string[], context: { signal: AbortSignal }): Promise<never> => {
      context.signal.addEventListener('abort', () => reasons.push(context.signal.reason))
      return new Promise(() => {})
    }
    const first = rejection(cache.getOrLoadMany(['a', 'b'], load))
    await clock.advanceAsync(100)
    expect([await first]).toEqual(reasons)
    const second = rejection(cache.getOrLoadMany(['c', 'd'], load))
    await turn()
    const closing = cache.close()
    await clock.advanceAsync(1_000)
    await closing
    expect(await second).toMatchObject({ code: 'ERR_CLOSED' })
    expect(reasons).toMatchObject([{ code: 'ERR_LOAD_TIMEOUT' }, { code: 'ERR_CLOSED' }])
  })

  it('is not aborted by callers who leave: the load is for the others too', async () => {
    const { cache } = await memoryBench()
    let aborted: (() => boolean) | undefined
    const controller = new AbortController()
    const left = rejection(
      cache.getOrLoad(
        'key',
        (context) => {
          const { signal } = context
          aborted = () => signal.aborted
          return new Promise<never>(() => {})
        },
        { signal: controller.signal },
      ),
    )
    await turn()
    controller.abort(new Error('left'))
    expect(await left).toMatchObject({ message: 'left' })
    expect(aborted!()).toBe(false)
  })
})
