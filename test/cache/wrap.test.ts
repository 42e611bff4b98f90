import { describe, expect, it } from 'vitest'
import { bench, rejection } from '../support/caches.ts'
import { isDown } from '../support/fake-node.ts'

describe('wrap', () => {
  async function setUp(options: object = {}) {
    const made = await bench()
    const calls: unknown[][] = []
    const find = (id: number, lang?: string) => {
      calls.push([id, lang])
      return Promise.resolve({ id, lang, call: calls.length })
    }
    const wrapped = made.cache.wrap(find, { key: (id, lang = 'en') => `user:${id}:${lang}`, ...options })
    return { ...made, calls, wrapped }
  }

  it('is the function with a cache in front of it', async () => {
    const { cache, wrapped, calls } = await setUp()
    expect(await wrapped(1, 'de')).toEqual({ id: 1, lang: 'de', call: 1 })
    expect(await wrapped(1, 'de')).toEqual({ id: 1, lang: 'de', call: 1 })
    expect(await wrapped(2)).toEqual({ id: 2, call: 2 })
    expect(calls).toEqual([
      [1, 'de'],
      [2, undefined],
    ])
    expect(await cache.get('user:1:de')).toEqual({ id: 1, lang: 'de', call: 1 })
    expect(wrapped.keyFor(1)).toBe('user:1:en')
  })

  it('calls it once for all who ask at the same time', async () => {
    const { wrapped, calls } = await setUp()
    const values = await Promise.all(Array.from({ length: 50 }, () => wrapped(1)))
    expect(new Set(values).size).toBe(1)
    expect(calls).toHaveLength(1)
  })

  it('invalidate and refresh work on the arguments', async () => {
    const { wrapped, calls } = await setUp()
    await wrapped(1)
    await wrapped(2)
    expect(await wrapped.invalidate(1)).toEqual({ ok: true, status: 'deleted' })
    expect(await wrapped(2)).toMatchObject({ call: 2 })
    expect(await wrapped(1)).toMatchObject({ call: 3 })
    expect(await wrapped.refresh(1)).toMatchObject({ call: 4 })
    expect(await wrapped(1)).toMatchObject({ call: 4 })
    expect(calls).toHaveLength(4)
  })

  it('takes the options of a load', async () => {
    const { wrapped, calls, clock } = await setUp({ ttl: 100 })
    await wrapped(1)
    clock.advance(100)
    await wrapped(1)
    expect(calls).toHaveLength(2)
  })

  it('takes functions that throw, or are not asynchronous', async () => {
    const { cache } = await bench()
    const wrapped = cache.wrap((n: number) => 10 / n, { key: (n) => `n:${n}` })
    expect(await wrapped(2)).toBe(5)
    const broken = new Error('broken')
    const failing = cache.wrap(
      () => {
        throw broken
      },
      { key: () => 'key' },
    )
    expect(await rejection(failing())).toMatchObject({ code: 'ERR_LOAD', cause: broken })
  })

  it('answers when the node does not', async () => {
    const { wrapped, server } = await setUp()
    server.all = isDown
    expect(await wrapped(1)).toMatchObject({ id: 1 })
    expect(await wrapped.invalidate(1)).toEqual({ ok: true, status: 'journaled' })
  })

  it('of a space names keys within it', async () => {
    const { cache } = await bench()
    const wrapped = cache.space('user').wrap((id: number) => id, { key: (id) => `${id}` })
    await wrapped(1)
    expect(wrapped.keyFor(1)).toBe('1')
    expect(await cache.get('user:1')).toBe(1)
  })
})
