import { describe, expect, it, vi } from 'vitest'
import type { ShardedCache } from '../../src/cache.ts'
import { Flights } from '../../src/loading/flight.ts'
import { bench, collect, turn, type Bench } from '../support/caches.ts'
import { gate } from '../support/fake-node.ts'

type Invalidate = (cache: ShardedCache) => Promise<unknown>

const INVALIDATIONS: [string, Invalidate][] = [
  ['delete', (cache) => cache.delete('key')],
  ['deleteMany', (cache) => cache.deleteMany(['other', 'key'])],
  ['expire', (cache) => cache.expire('key')],
  ['the invalidate of wrap', (cache) => cache.wrap(() => 1, { key: () => 'key' }).invalidate()],
]

/** A load that read the database before the change, and comes back after it. */
async function race({ cache, server }: Bench, invalidate: Invalidate, key = 'key'): Promise<unknown> {
  const database = gate<string>()
  const loading = cache.getOrLoad(key, () => database.promise)
  await turn()
  await invalidate(cache)
  database.open('old')
  expect(await loading).toBe('old')
  await turn()
  return server.store.has(key) ? 'old' : undefined
}

describe('a load that a delete overtook', () => {
  it.each(INVALIDATIONS)('%s: gives its value to those who wait, and writes it nowhere', async (_, change) => {
    const made = await bench({ l1: {} })
    const dropped = collect(made.cache, 'dropped')
    expect(await race(made, change)).toBeUndefined()
    expect(made.cache.peek('key')).toBeUndefined()
    expect(dropped).toMatchObject([{ reason: 'overtaken', key: 'key' }])
    expect(made.cache.stats().dropped.overtaken).toBe(1)
  })

  it.each(INVALIDATIONS)('control, %s: without the fence the old value comes back', async (_, change) => {
    vi.spyOn(Flights.prototype, 'fence').mockImplementation(() => {})
    expect(await race(await bench(), change)).toBe('old')
  })

  it('is that of its own key: a space’s key is not another’s', async () => {
    const change: Invalidate = (cache) => cache.space('k').delete('ey')
    expect(await race(await bench(), change, 'k:ey')).toBeUndefined()
    expect(await race(await bench(), change, 'key')).toBe('old')
  })
})

describe('a load that a set overtook', () => {
  async function raceSet({ cache }: Bench): Promise<unknown> {
    const database = gate<string>()
    const loading = cache.getOrLoad('key', () => database.promise)
    await turn()
    await cache.set('key', 'new')
    database.open('old')
    expect(await loading).toBe('old')
    await turn()
    return cache.get('key', { l1: false })
  }

  it('does not overwrite it, on the node or in L1', async () => {
    const made = await bench({ l1: {} })
    expect(await raceSet(made)).toBe('new')
    expect(made.cache.peek('key')).toBe('new')
  })

  it('control: without the fence it would', async () => {
    vi.spyOn(Flights.prototype, 'fence').mockImplementation(() => {})
    expect(await raceSet(await bench())).toBe('old')
  })
})

describe('who asks after a delete', () => {
  it('does not join the load that began before it', async () => {
    const { cache } = await bench()
    const old = gate<string>()
    const before = cache.getOrLoad('key', () => old.promise)
    await turn()
    void cache.delete('key')
    const after = cache.getOrLoad('key', () => 'new')
    expect(await after).toBe('new')
    old.open('old')
    expect(await before).toBe('old')
  })

  it('while the delete is under way, gets a load that is not cached either', async () => {
    const { cache, server } = await bench()
    const removing = gate()
    server.removes = (answer) => removing.promise.then(answer)
    const deleting = cache.delete('key')
    const database = gate<string>()
    const loading = cache.getOrLoad('key', () => database.promise)
    await turn()
    removing.open()
    await deleting
    database.open('perhaps old')
    expect(await loading).toBe('perhaps old')
    await turn()
    expect(server.store.size).toBe(0)
  })
})

describe('a load of many', () => {
  it('of which one key was overtaken caches the others', async () => {
    const { cache, server } = await bench()
    const database = gate<[string, number][]>()
    const loading = cache.getOrLoadMany(['a', 'b', 'c'], () => database.promise)
    await turn()
    await cache.delete('b')
    database.open([
      ['a', 1],
      ['b', 2],
      ['c', 3],
    ])
    expect([...(await loading)]).toEqual([
      ['a', 1],
      ['b', 2],
      ['c', 3],
    ])
    expect([...server.store.keys()].toSorted()).toEqual(['a', 'c'])
  })
})

describe('calls that are not waited for', () => {
  it('reach the node in the order in which they were made', async () => {
    const { cache, server } = await bench()
    void cache.set('key', 1)
    void cache.delete('key')
    void cache.set('key', 2)
    const last = cache.delete('key')
    expect(server.asked.map(({ operation }) => operation)).toEqual(['write', 'remove', 'write', 'remove'])
    expect(await last).toEqual({ ok: true, status: 'deleted' })
    expect(await cache.get('key')).toBeUndefined()
  })

  it('set followed by delete leaves nothing in L1 either, whichever is answered first', async () => {
    const { cache, server } = await bench({ l1: {} })
    const writing = gate()
    server.writes = (answer) => {
      const outcomes = answer()
      return writing.promise.then(() => outcomes)
    }
    const set = cache.set('key', 1)
    await cache.delete('key')
    writing.open()
    await set
    expect(cache.peek('key')).toBeUndefined()
  })
})
