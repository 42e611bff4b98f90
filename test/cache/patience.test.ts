import { getEventListeners } from 'node:events'
import { describe, expect, it } from 'vitest'
import type { ShardedCache } from '../../src/cache.ts'
import type { CallOptions } from '../../src/types.ts'
import { bench, rejection, turn } from '../support/caches.ts'
import { gate, hangs } from '../support/fake-node.ts'

const load = (): Promise<never> => new Promise(() => {})

const CALLS: [string, (cache: ShardedCache, options: CallOptions) => Promise<unknown>][] = [
  ['get', (cache, options) => cache.get('key', options)],
  ['getMany', (cache, options) => cache.getMany(['key', 'other'], options)],
  ['getEntry', (cache, options) => cache.getEntry('key', options)],
  ['has', (cache, options) => cache.has('key', options)],
  ['set', (cache, options) => cache.set('key', 1, options)],
  ['setMany', (cache, options) => cache.setMany([['key', 1]], options)],
  ['delete', (cache, options) => cache.delete('key', options)],
  ['deleteMany', (cache, options) => cache.deleteMany(['key'], options)],
  ['expire', (cache, options) => cache.expire('key', options)],
  ['getOrLoad', (cache, options) => cache.getOrLoad('key', load, options)],
  ['getOrLoadMany', (cache, options) => cache.getOrLoadMany(['key'], load, options)],
  ['getOrLoad, bypassing', (cache, options) => cache.getOrLoad('key', load, { ...options, cache: 'bypass' })],
]

const listeners = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length

describe.each(CALLS)('a signal given to %s', (_, call) => {
  it('that is aborted already rejects with its reason, before anything is sent', async () => {
    const { cache, server } = await bench()
    const reason = new Error('gone')
    expect(await rejection(call(cache, { signal: AbortSignal.abort(reason) }))).toBe(reason)
    await turn()
    expect([server.asked.length, cache.stats().loads.started]).toEqual([0, 0])
  })

  it('that is aborted in flight rejects with its reason, whatever that is', async () => {
    const { cache, server } = await bench()
    server.all = hangs
    for (const reason of [new Error('gone'), 'a string']) {
      const controller = new AbortController()
      const calling = rejection(call(cache, { signal: controller.signal }))
      expect(listeners(controller.signal)).toBe(1)
      controller.abort(reason)
      expect(await calling).toBe(reason)
      expect(listeners(controller.signal)).toBe(0)
    }
  })
})

describe('a signal', () => {
  it.each(CALLS.slice(0, 9))('leaves no listener behind after %s', async (_, call) => {
    const { cache } = await bench()
    const { signal } = new AbortController()
    await call(cache, { signal, timeout: 1_000 })
    expect(listeners(signal)).toBe(0)
  })

  it('detaches its caller only: the load goes on for the others, and is cached', async () => {
    const { cache } = await bench()
    const database = gate<string>()
    const controller = new AbortController()
    const leaving = rejection(cache.getOrLoad('key', () => database.promise, { signal: controller.signal }))
    const staying = cache.getOrLoad('key', () => 'never called')
    await turn()
    controller.abort()
    expect(await leaving).toMatchObject({ name: 'AbortError' })
    database.open('value')
    expect(await staying).toBe('value')
    expect(await cache.get('key')).toBe('value')
  })

  it('undoes nothing: a set that was sent arrives', async () => {
    const { cache, server } = await bench()
    const answer = gate()
    server.writes = (write) => {
      const outcomes = write()
      return answer.promise.then(() => outcomes)
    }
    const controller = new AbortController()
    const setting = rejection(cache.set('key', 1, { signal: controller.signal }))
    controller.abort()
    await setting
    answer.open()
    expect(await cache.get('key')).toBe(1)
  })

  it('of one that nobody waits for any more, a failing load harms nobody', async () => {
    const { cache } = await bench()
    const database = gate<never>()
    const controller = new AbortController()
    const leaving = rejection(cache.getOrLoad('key', () => database.promise, { signal: controller.signal }))
    await turn()
    controller.abort()
    await leaving
    database.fail(new Error('nobody listens'))
    await turn()
    expect(cache.stats().loads).toMatchObject({ failed: 1, running: 0 })
  })
})

describe('methods', () => {
  it('are bound: they may be passed around', async () => {
    const { cache } = await bench()
    const { get, set, getMany, setMany, has, getOrLoad, getOrLoadMany, expire, explain, peek, wrap, space, stats } =
      cache
    await set('key', 1)
    await setMany([['other', 2]])
    expect(await get('key')).toBe(1)
    expect(await has('key')).toBe(true)
    expect((await getMany(['key', 'other'])).size).toBe(2)
    expect(await getOrLoad('key', () => 2)).toBe(1)
    expect((await getOrLoadMany(['key'], () => [])).size).toBe(1)
    expect(await wrap(() => 3, { key: () => 'wrapped' })()).toBe(3)
    const { set: setUser, get: getUser } = space<number>('user')
    await setUser('1', 4)
    expect(await getUser('1')).toBe(4)
    expect(explain('user:1').key).toBe('user:1')
    expect(peek('key')).toBeUndefined()
    expect(await expire('key')).toEqual({ ok: true, status: 'deleted' })
    const { delete: remove, deleteMany, on, health, close } = cache
    expect(await remove('key')).toEqual({ ok: true, status: 'absent' })
    expect([...(await deleteMany(['other', 'none', 'other']))]).toEqual([
      ['other', { ok: true, status: 'deleted' }],
      ['none', { ok: true, status: 'absent' }],
    ])
    on('hit', () => {})()
    expect((await health()).healthy).toBe(true)
    expect(stats().hits).toBeGreaterThan(0)
    await close()
  })
})
