import { describe, expect, expectTypeOf, it } from 'vitest'
import type { ShardedCache } from '../../src/cache.ts'
import { bench, rejection } from '../support/caches.ts'
import { gate, isDown } from '../support/fake-node.ts'

interface User {
  id: number
  call: number
}

const key = (id: number): string => `user:${id}`

describe('wrapMany', () => {
  async function setUp(options: object = {}) {
    const made = await bench()
    const calls: number[][] = []
    const find = (ids: number[]): Promise<Map<number, User>> => {
      calls.push(ids)
      // There is nobody with a negative number.
      return Promise.resolve(new Map(ids.filter((id) => id >= 0).map((id) => [id, { id, call: calls.length }])))
    }
    return { ...made, calls, find, findUsers: made.cache.wrapMany(find, { key, ...options }) }
  }

  it('calls the function with exactly the arguments that are missing', async () => {
    const { cache, findUsers, calls } = await setUp()
    await findUsers([2, 4])
    const users = await findUsers([1, 2, 3, 4])
    expect(calls).toEqual([
      [2, 4],
      [1, 3],
    ])
    expect([...users]).toEqual([
      [1, { id: 1, call: 2 }],
      [2, { id: 2, call: 1 }],
      [3, { id: 3, call: 2 }],
      [4, { id: 4, call: 1 }],
    ])
    expect(await cache.get('user:3')).toEqual({ id: 3, call: 2 })
    expect(findUsers.keyFor(3)).toBe('user:3')
  })

  it('takes any iterable, and nothing at all', async () => {
    const { findUsers, calls } = await setUp()
    expect([...(await findUsers(new Set([1, 2]))).keys()]).toEqual([1, 2])
    expect(await findUsers([])).toEqual(new Map())
    expect(calls).toEqual([[1, 2]])
  })

  it('leaves out what there is not', async () => {
    const { findUsers, calls, cache } = await setUp({ negativeTtl: '1m' })
    expect([...(await findUsers([-1, 1])).keys()]).toEqual([1])
    expect([...(await findUsers([-1, 1])).keys()]).toEqual([1])
    expect(calls).toEqual([[-1, 1]])
    expect(await cache.getEntry('user:-1')).toMatchObject({ state: 'negative' })
  })

  it('takes pairs too, made anew as rows of a database are', async () => {
    const { cache } = await bench()
    const asked: { at: number }[][] = []
    const find = cache.wrapMany(
      (places: { at: number }[]) => {
        asked.push(places)
        return places.map(({ at }) => [{ at }, at * 10] as const)
      },
      { key: ({ at }) => `place:${at}` },
    )
    const [one, same, two] = [{ at: 1 }, { at: 1 }, { at: 2 }] as const
    const found = await find([one, same, two])
    // Two arguments with one key are one to the function; each of them has its result.
    expect(asked).toEqual([[one, two]])
    expect(asked[0]![0]).toBe(one)
    expect([found.get(one), found.get(same), found.get(two)]).toEqual([10, 10, 20])
  })

  it('shares what is being loaded, also with wrap', async () => {
    const { cache } = await bench()
    const calls: number[][] = []
    const { promise, open } = gate()
    const find = cache.wrapMany(
      async (ids: number[]) => {
        calls.push(ids)
        await promise
        return ids.map((id) => [id, id] as const)
      },
      { key },
    )
    const one = cache.wrap((id: number) => -id, { key })
    const results = [find([1, 2]), find([2, 3]), one(3)] as const
    open()
    expect(await Promise.all(results)).toEqual([new Map([[1, 1], [2, 2]]), new Map([[2, 2], [3, 3]]), 3]) // prettier-ignore
    expect(calls).toEqual([[1, 2], [3]])
  })

  it('invalidate and refresh work on the arguments', async () => {
    const { findUsers, calls } = await setUp()
    await findUsers([1, 2])
    expect([...(await findUsers.invalidate([1, 3]))]).toEqual([
      [1, { ok: true, status: 'deleted' }],
      [3, { ok: true, status: 'absent' }],
    ])
    expect((await findUsers([1, 2])).get(1)).toEqual({ id: 1, call: 2 })
    expect((await findUsers.refresh([2, 1])).get(2)).toEqual({ id: 2, call: 3 })
    expect([...(await findUsers([1, 2])).values()].map(({ call }) => call)).toEqual([3, 3])
    expect(calls).toEqual([[1, 2], [1], [2, 1]])
  })

  it('takes the options of a load', async () => {
    const { findUsers, calls, clock } = await setUp({ ttl: 100 })
    await findUsers([1])
    clock.advance(100)
    await findUsers([1])
    expect(calls).toHaveLength(2)
  })

  it('answers when the node does not', async () => {
    const { findUsers, server } = await setUp()
    server.all = isDown
    expect((await findUsers([1, 2])).size).toBe(2)
    expect((await findUsers.invalidate([1])).get(1)).toEqual({ ok: true, status: 'journaled' })
  })

  it('of a space names keys within it', async () => {
    const { cache } = await bench()
    const find = cache.space<number>('n').wrapMany((ids: number[]) => ids.map((id) => [id, id] as const), {
      key: (id) => `${id}`,
    })
    await find([1])
    expect(find.keyFor(1)).toBe('1')
    expect(await cache.get('n:1')).toBe(1)
  })

  it('has the types of the function', async () => {
    const { findUsers, find, cache } = await setUp()
    expectTypeOf(findUsers).parameters.toEqualTypeOf<[Iterable<number>]>()
    expectTypeOf(findUsers).returns.resolves.toEqualTypeOf<Map<number, User>>()
    // @ts-expect-error a text is no argument of the function
    cache.wrapMany(find, { key: (id: string) => id })
    // @ts-expect-error rows are no pairs
    cache.wrapMany((ids: number[]) => ids.map((id) => ({ id })), { key })
  })

  it.each<[string, unknown]>([
    ['rows', [{ id: 1 }]],
    ['a Map by something else', new Map([[7, 1]])],
    ['an object', { 1: 'one' }],
    ['a text', 'abc'],
    ['nothing', undefined],
  ])('refuses %s as a result', async (_, result) => {
    const { cache } = await bench()
    const find = cache.wrapMany((() => result) as unknown as () => [number, number][], { key })
    expect(await rejection(find([1, 2]))).toMatchObject({ code: 'ERR_LOADER_RESULT' })
  })

  it('rejects with what the function throws', async () => {
    const { cache } = await bench()
    const broken = new Error('broken')
    const find = cache.wrapMany(
      (): [number, number][] => {
        throw broken
      },
      { key },
    )
    expect(await rejection(find([1]))).toMatchObject({ code: 'ERR_LOAD', cause: broken })
  })

  it.each<[string, (cache: ShardedCache) => unknown, string]>([
    ['function', (cache) => cache.wrapMany(1 as never, { key }), 'the function to wrap must be a function; given: 1'],
    ['key', (cache) => cache.wrapMany(() => [], {} as never), 'wrap options.key must be a function; given: undefined'],
    ['option', (cache) => cache.wrapMany(() => [], { key, cache: 'use' } as never), 'no option "cache"'],
    ['schema', (cache) => cache.wrapMany(() => [], { key, schema: {} as never }), 'schema must be a Standard Schema'],
  ])('refuses a bad %s at once', async (_, run, message) => {
    const { cache } = await bench()
    expect(() => run(cache)).toThrow(expect.objectContaining({ code: 'ERR_OPTION', message: expect.stringContaining(message) })) // prettier-ignore
  })

  it('rejects what is no list of arguments, and keys that are none, before anything is read', async () => {
    const { cache, server } = await bench()
    const find = cache.wrapMany(() => [] as [number, number][], { key: (id: number) => id as unknown as string })
    expect(await rejection(find(1 as never))).toMatchObject({ code: 'ERR_OPTION' })
    expect(await rejection(find([1]))).toMatchObject({ code: 'ERR_KEY' })
    expect(await rejection(find.invalidate([1]))).toMatchObject({ code: 'ERR_KEY' })
    expect(server.asked).toEqual([])
  })
})
