import { describe, expect, it } from 'vitest'
import type { ShardedCache } from '../../src/cache.ts'
import type { LoadPolicyOptions } from '../../src/loading/policy.ts'
import { memoryNode } from '../../src/node/memory.ts'
import { bench, turn } from '../support/caches.ts'

const fails = (): never => {
  throw new Error('down')
}

type Load = (load: () => string) => Promise<unknown>

/** The places where options of loading may stand, the innermost last. */
const PLACES: [string, (cache: ShardedCache, options: LoadPolicyOptions) => Load][] = [
  ['a space', (cache, options) => (load) => cache.space('s', options).getOrLoad('key', load)],
  ['a call', (cache, options) => (load) => cache.getOrLoad('s:key', load, options)],
  ['a call of many', (cache, options) => (load) => cache.getOrLoadMany(['s:key'], () => [['s:key', load()]], options).then((all) => all.get('s:key'))], // prettier-ignore
  ['wrap', (cache, options) => (load) => cache.wrap(load, { ...options, key: () => 's:key' })()],
]

describe.each(PLACES)('the windows of %s', (_, place) => {
  const options: LoadPolicyOptions = { ttl: 100, staleWhileRevalidate: 200, staleIfError: 400 }

  it('rule what it writes, and what it serves, whatever the cache says', async () => {
    const { cache, clock } = await bench({ nodes: [memoryNode('m')], ttl: '1h', staleIfError: '1h' })
    const load = place(cache, options)
    expect(await load(() => 'first')).toBe('first')
    clock.advance(100)
    expect(await load(() => 'second')).toBe('first')
    await turn()
    expect(await load(fails)).toBe('second')
    clock.advance(300)
    expect(await load(fails)).toBe('second')
    clock.advance(200)
    await expect(load(fails)).rejects.toMatchObject({ code: 'ERR_LOAD' })
  })
})

describe('a window of 0', () => {
  it('is none, where the cache has one', async () => {
    const { cache, clock } = await bench({
      ttl: 100,
      staleWhileRevalidate: 200,
      staleIfError: 400,
      retryAfterError: 500,
    })
    await cache.set('key', 'old')
    clock.advance(150)
    const none = { staleWhileRevalidate: 0, staleIfError: 0, retryAfterError: 0 } as const
    for (let i = 0; i < 2; i++)
      await expect(cache.getOrLoad('key', fails, none)).rejects.toMatchObject({ code: 'ERR_LOAD' })
    expect(cache.stats().loads.started).toBe(2)
    expect(await cache.getOrLoad('key', fails)).toBe('old')
  })
})

describe('the windows of the cache', () => {
  it('hold for its spaces, wrapped functions and calls; those that keep an entry are its writer’s', async () => {
    const { cache, clock } = await bench({ nodes: [memoryNode('m')], ttl: 100, staleIfError: 400 })
    const space = cache.space<string>('s')
    await space.set('key', 'old')
    clock.advance(300)
    expect(await space.getOrLoad('key', fails)).toBe('old')
    expect(await cache.wrap(fails, { key: () => 's:key' })()).toBe('old')
    // A longer window of the reader finds nothing beyond what was kept; a shorter one serves less.
    await expect(cache.getOrLoad('s:key', fails, { staleIfError: 200 })).rejects.toMatchObject({ code: 'ERR_LOAD' })
    clock.advance(200)
    await expect(cache.getOrLoad('s:key', fails, { staleIfError: '1h' })).rejects.toMatchObject({ code: 'ERR_LOAD' })
  })
})
