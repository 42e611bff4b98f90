import { describe, expect, it, vi } from 'vitest'
import { bench } from '../support/caches.ts'

describe('the short way through L1', () => {
  it('is not taken past the end of an entry, by whatever method', async () => {
    const { cache, clock, server } = await bench({ l1: { ttl: '5s' } })
    await cache.set('key', 'old')
    server.store.clear()
    clock.advance(4_999)
    expect(cache.peek('key')).toBe('old')
    expect(await cache.get('key')).toBe('old')
    expect(await cache.getOrLoad('key', () => 'new')).toBe('old')
    clock.advance(1)
    expect(cache.peek('key')).toBeUndefined()
    expect(await cache.get('key')).toBeUndefined()
    expect(await cache.getOrLoad('key', () => 'new')).toBe('new')
  })

  it('refuses what is refused on the long way', async () => {
    const { cache } = await bench({ l1: {} })
    await cache.set('1', 'a')
    await cache.set('key', 'b')
    const not = 1 as unknown as string
    await expect(cache.get(not)).rejects.toMatchObject({ code: 'ERR_KEY' })
    await expect(cache.getOrLoad(not, () => 2)).rejects.toMatchObject({ code: 'ERR_KEY' })
    expect(() => cache.peek(not)).toThrow(expect.objectContaining({ code: 'ERR_KEY' }))
    await expect(cache.getOrLoad('key', 'no function' as never)).rejects.toMatchObject({ code: 'ERR_OPTION' })
    await expect(cache.get('key', { signal: AbortSignal.abort(new Error('gone')) })).rejects.toThrow('gone')
    await cache.close()
    await expect(cache.get('key')).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    await expect(cache.getOrLoad('key', () => 1)).rejects.toMatchObject({ code: 'ERR_CLOSED' })
  })

  it('counts what the long way counts', async () => {
    const { cache } = await bench({ l1: {} })
    const events: string[] = []
    cache.on('hit', ({ key, source }) => events.push(`${key} ${source}`))
    const users = cache.space('user')
    await users.set('1', 'a')
    await users.get('1')
    await users.getOrLoad('1', () => 'b')
    await users.getOrLoad('2', () => 'b')
    expect(events).toEqual(['user:1 l1', 'user:1 l1'])
    expect(cache.stats().l1).toMatchObject({ hits: 2, misses: 1 })
  })

  it('options that are not frozen are looked at each time', async () => {
    const { cache } = await bench({ l1: {} })
    const options: { cache: 'use' | 'refresh'; ttl?: number } = { cache: 'use' }
    const load = vi.fn(() => 1)
    await cache.getOrLoad('key', load, options)
    await cache.getOrLoad('key', load, options)
    options.cache = 'refresh'
    await cache.getOrLoad('key', load, options)
    expect(load).toHaveBeenCalledTimes(2)
    const frozen = Object.freeze({ cache: 'refresh' as const })
    await cache.getOrLoad('key', load, frozen)
    await cache.getOrLoad('key', load, frozen)
    expect(load).toHaveBeenCalledTimes(4)
    const controller = new AbortController()
    const leaving = Object.freeze({ signal: controller.signal })
    await cache.getOrLoad('key', load, leaving)
    controller.abort(new Error('gone'))
    await expect(cache.getOrLoad('key', load, leaving)).rejects.toThrow('gone')
  })
})
