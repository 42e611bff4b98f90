import { describe, expect, it, vi } from 'vitest'
import type { ShardedCache } from '../../src/cache.ts'
import { Flights } from '../../src/loading/flight.ts'
import { memoryNode } from '../../src/node/memory.ts'
import type { NodeSpec } from '../../src/node/spec.ts'
import type { CacheOptions } from '../../src/options.ts'
import { ManualClock } from '../../src/testing/index.ts'
import { makeCache, rejection, settled, turn } from '../support/caches.ts'
import { FakeServer, gate, type Gate } from '../support/fake-node.ts'

const NODES: [string, () => NodeSpec][] = [
  ['a node without leases', () => new FakeServer().node()],
  ['a node with leases', () => memoryNode('m')],
]
const TTL = 1_000
const WINDOW = 500

interface Aged {
  readonly cache: ShardedCache
  readonly clock: ManualClock
  /** Each call of the loader, to be answered by the test. */
  readonly loads: Gate<string>[]
  load(): Promise<string>
}

/** A cache that holds `'old'` under `key`, which has just ceased to be fresh. */
async function aged(node: NodeSpec, options: Partial<CacheOptions>): Promise<Aged> {
  const clock = new ManualClock()
  const cache = await makeCache({ nodes: [node], clock, ttl: TTL, ...options })
  await cache.set('key', 'old')
  clock.advance(TTL)
  const loads: Gate<string>[] = []
  const load = (): Promise<string> => {
    const one = gate<string>()
    loads.push(one)
    return one.promise
  }
  return { cache, clock, loads, load }
}

describe.each(NODES)('staleWhileRevalidate, on %s', (_, node) => {
  it('serves the old value at once, loads once however many ask, and then has the new one', async () => {
    const { cache, loads, load } = await aged(node(), { staleWhileRevalidate: WINDOW })
    const first = await Promise.all(Array.from({ length: 20 }, () => cache.getOrLoad('key', load)))
    expect(new Set(first)).toEqual(new Set(['old']))
    await turn()
    expect(loads).toHaveLength(1)
    // Those who come while it is loaded do not wait either.
    expect(await cache.getOrLoad('key', load)).toBe('old')
    await turn()
    expect(loads).toHaveLength(1)
    loads[0]!.open('new')
    await turn()
    expect(await cache.getOrLoad('key', load)).toBe('new')
    expect(await cache.get('key')).toBe('new')
    expect(loads).toHaveLength(1)
  })

  it('serves many keys so, and loads exactly those that are stale, in one call', async () => {
    const { cache } = await aged(node(), { staleWhileRevalidate: WINDOW })
    await cache.set('fresh', 'fresh')
    const asked: string[][] = []
    const load = (missing: string[]): [string, string][] => {
      asked.push(missing)
      return missing.map((key) => [key, 'new'])
    }
    expect([...(await cache.getOrLoadMany(['fresh', 'key', 'absent'], load)).values()]).toEqual(['fresh', 'old', 'new'])
    await turn()
    expect(asked).toEqual([['absent'], ['key']])
    expect(await cache.get('key')).toBe('new')
  })

  it('control: without it, all wait for the load', async () => {
    const { cache, loads, load } = await aged(node(), {})
    const waiting = cache.getOrLoad('key', load)
    expect(await settled(waiting)).toBe(false)
    loads[0]!.open('new')
    expect(await waiting).toBe('new')
  })

  it('ends with its window: then it is loaded while they wait', async () => {
    const { cache, clock, loads, load } = await aged(node(), { staleWhileRevalidate: WINDOW })
    clock.advance(WINDOW)
    const waiting = cache.getOrLoad('key', load)
    expect(await settled(waiting)).toBe(false)
    loads[0]!.open('new')
    expect(await waiting).toBe('new')
  })

  it('a load that fails in the background rejects nobody, and is tried again by the next', async () => {
    const { cache, loads, load } = await aged(node(), { staleWhileRevalidate: WINDOW })
    expect(await cache.getOrLoad('key', load)).toBe('old')
    await turn()
    loads[0]!.fail(new Error('down'))
    await turn()
    expect(await cache.getOrLoad('key', load)).toBe('old')
    await turn()
    expect(loads).toHaveLength(2)
  })

  it('a set while it is loaded in the background wins', async () => {
    const { cache, loads, load } = await aged(node(), { staleWhileRevalidate: WINDOW })
    await cache.getOrLoad('key', load)
    await turn()
    await cache.set('key', 'set')
    loads[0]!.open('older')
    await turn()
    expect(await cache.get('key')).toBe('set')
  })

  it('a get is a miss meanwhile; getEntry shows the entry as stale', async () => {
    const { cache, clock } = await aged(node(), { staleWhileRevalidate: WINDOW })
    expect([await cache.get('key'), await cache.has('key'), (await cache.getMany(['key'])).size]).toEqual([undefined, false, 0]) // prettier-ignore
    expect(await cache.getEntry('key')).toMatchObject({ value: 'old', state: 'stale', freshUntil: clock.now() })
    clock.advance(WINDOW)
    expect(await cache.getEntry('key')).toBeUndefined()
  })
})

describe.each(NODES)('staleIfError, on %s', (_, node) => {
  it('serves the old value when the loader fails', async () => {
    const { cache, loads, load } = await aged(node(), { staleIfError: WINDOW })
    const callers = Array.from({ length: 20 }, () => cache.getOrLoad('key', load))
    expect(await settled(callers[0]!)).toBe(false)
    loads[0]!.fail(new Error('down'))
    expect(new Set(await Promise.all(callers))).toEqual(new Set(['old']))
    expect(loads).toHaveLength(1)
  })

  it('serves it when the loader hangs beyond its hard time-out', async () => {
    const { cache, clock, load } = await aged(node(), { staleIfError: WINDOW, hardTimeout: 100 })
    const waiting = cache.getOrLoad('key', load)
    await clock.advanceAsync(99)
    expect(await settled(waiting)).toBe(false)
    await clock.advanceAsync(1)
    expect(await waiting).toBe('old')
  })

  it('a load that succeeds is the answer', async () => {
    const { cache, loads, load } = await aged(node(), { staleIfError: WINDOW })
    const waiting = cache.getOrLoad('key', load)
    await turn()
    loads[0]!.open('new')
    expect(await waiting).toBe('new')
    expect(await cache.get('key')).toBe('new')
  })

  it('ends with its window: then the error is the answer', async () => {
    const { cache, clock, loads, load } = await aged(node(), { staleIfError: WINDOW })
    clock.advance(WINDOW)
    const failed = rejection(cache.getOrLoad('key', load))
    await turn()
    loads[0]!.fail(new Error('down'))
    expect(await failed).toMatchObject({ code: 'ERR_LOAD' })
  })

  it('that ends while the load runs is over: the error is the answer', async () => {
    const { cache, clock, loads, load } = await aged(node(), { staleIfError: WINDOW })
    const failed = rejection(cache.getOrLoad('key', load))
    await clock.advanceAsync(WINDOW)
    loads[0]!.fail(new Error('down'))
    expect(await failed).toMatchObject({ code: 'ERR_LOAD' })
  })

  it('control: without it, the error is the answer', async () => {
    const { cache, loads, load } = await aged(node(), {})
    const failed = rejection(cache.getOrLoad('key', load))
    await turn()
    loads[0]!.fail(new Error('down'))
    expect(await failed).toMatchObject({ code: 'ERR_LOAD' })
  })

  it('and staleWhileRevalidate: first one, then the other', async () => {
    const { cache, clock, loads, load } = await aged(node(), {
      staleWhileRevalidate: WINDOW,
      staleIfError: 2 * WINDOW,
    })
    expect(await cache.getOrLoad('key', load)).toBe('old')
    await turn()
    loads[0]!.fail(new Error('down'))
    await clock.advanceAsync(WINDOW)
    const waiting = cache.getOrLoad('key', load)
    expect(await settled(waiting)).toBe(false)
    loads[1]!.fail(new Error('down'))
    expect(await waiting).toBe('old')
  })

  it('never serves what was deleted', async () => {
    const { cache, loads, load } = await aged(node(), { staleIfError: WINDOW, staleWhileRevalidate: WINDOW })
    await cache.delete('key')
    const failed = rejection(cache.getOrLoad('key', load))
    await turn()
    loads[0]!.fail(new Error('down'))
    expect(await failed).toMatchObject({ code: 'ERR_LOAD' })
    expect(await cache.getEntry('key')).toBeUndefined()
  })

  it('a caller after a delete does not share the load of one before, nor its old value', async () => {
    const { cache, loads, load } = await aged(node(), { staleIfError: WINDOW })
    const before = cache.getOrLoad('key', load)
    await turn()
    await cache.delete('key')
    const after = rejection(cache.getOrLoad('key', load))
    await turn()
    expect(loads).toHaveLength(2)
    for (const each of loads) each.fail(new Error('down'))
    expect(await after).toMatchObject({ code: 'ERR_LOAD' })
    await before
  })
})

describe('control', () => {
  it('without the one flight in the background, and no lease, each caller of a stale value loads', async () => {
    vi.spyOn(Flights.prototype, 'inBackground').mockReturnValue(undefined)
    const { cache, loads, load } = await aged(new FakeServer().node(), { staleWhileRevalidate: WINDOW })
    for (let i = 0; i < 5; i++) await cache.getOrLoad('key', load)
    await turn()
    expect(loads).toHaveLength(5)
  })

  it('without the fence, a caller after a delete shares the load of one before', async () => {
    vi.spyOn(Flights.prototype, 'fence').mockImplementation(() => {})
    const { cache, loads, load } = await aged(new FakeServer().node(), { staleIfError: WINDOW })
    const before = cache.getOrLoad('key', load)
    await turn()
    await cache.delete('key')
    const after = rejection(cache.getOrLoad('key', load))
    await turn()
    loads[0]!.fail(new Error('down'))
    // What the first one may be served instead was deleted when the second one came.
    expect(await after).toMatchObject({ code: 'ERR_LOAD' })
    expect([await before, loads.length]).toEqual(['old', 1])
  })
})

describe.each(NODES)('softTimeout, on %s', (_, node) => {
  const options = { staleIfError: WINDOW, softTimeout: 100 }

  it('serves the old value after it; the load goes on, and is cached', async () => {
    const { cache, clock, loads, load } = await aged(node(), options)
    const waiting = cache.getOrLoad('key', load)
    await clock.advanceAsync(99)
    expect(await settled(waiting)).toBe(false)
    await clock.advanceAsync(1)
    expect(await waiting).toBe('old')
    expect(await cache.getOrLoad('key', load)).toBe('old')
    expect(loads).toHaveLength(1)
    loads[0]!.open('new')
    await turn()
    expect(await cache.get('key')).toBe('new')
  })

  it('without an old value, callers wait for the load', async () => {
    const { cache, clock, loads, load } = await aged(node(), options)
    const waiting = cache.getOrLoad('absent', load)
    await clock.advanceAsync(200)
    expect(await settled(waiting)).toBe(false)
    loads[0]!.open('new')
    expect(await waiting).toBe('new')
  })

  it('an old value whose window has ended by then is not served', async () => {
    const { cache, clock, loads, load } = await aged(node(), { ...options, softTimeout: WINDOW })
    const waiting = cache.getOrLoad('key', load)
    await clock.advanceAsync(WINDOW)
    expect(await settled(waiting)).toBe(false)
    loads[0]!.open('new')
    expect(await waiting).toBe('new')
  })

  it('may be longer than the longest timer there is', async () => {
    const { cache, loads, load } = await aged(node(), { ...options, softTimeout: '60d', lease: '90d' })
    const waiting = cache.getOrLoad('key', load)
    await turn()
    loads[0]!.open('new')
    expect(await waiting).toBe('new')
  })
})
