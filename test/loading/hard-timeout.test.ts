import { describe, expect, it } from 'vitest'
import { bench, makeCache, rejection, settled, turn } from '../support/caches.ts'
import { FakeServer, gate } from '../support/fake-node.ts'

const HARD = 1_000

describe('the hard time-out', () => {
  it('rejects all callers, those who come later too, while the loader stays the only one', async () => {
    const { cache, clock } = await bench({ hardTimeout: HARD })
    let calls = 0
    const load = () => {
      calls++
      return new Promise<never>(() => {})
    }
    const callers = Array.from({ length: 20 }, () => rejection(cache.getOrLoad('key', load)))
    await clock.advanceAsync(HARD - 1)
    expect(await settled(callers[0]!)).toBe(false)
    await clock.advanceAsync(1)
    const errors = await Promise.all(callers)
    expect(errors[0]).toMatchObject({ code: 'ERR_LOAD_TIMEOUT', name: 'LoadError' })
    expect((errors[0] as Error).message).toBe('the load of "key" took longer than 1000 ms')
    expect(new Set(errors).size).toBe(1)
    await clock.advanceAsync(HARD - 1)
    expect(await rejection(cache.getOrLoad('key', load))).toBe(errors[0])
    expect(calls).toBe(1)
    expect(cache.stats().loads).toMatchObject({ started: 1, timedOut: 1, running: 1 })
  })

  it('aborts the signal of the loader with the error of its callers', async () => {
    const { cache, clock } = await bench()
    let reason: unknown
    const failed = rejection(
      cache.getOrLoad(
        'key',
        ({ signal }) => {
          signal.addEventListener('abort', () => (reason = signal.reason))
          return new Promise<never>(() => {})
        },
        { hardTimeout: 50 },
      ),
    )
    await clock.advanceAsync(50)
    expect(reason).toMatchObject({ code: 'ERR_LOAD_TIMEOUT' })
    expect(await failed).toBe(reason)
  })

  it('a signal that is asked for late is aborted already', async () => {
    const { cache, clock } = await bench()
    const { promise, open } = gate<() => boolean>()
    const failed = rejection(
      cache.getOrLoad(
        'key',
        (context) => {
          open(() => context.signal.aborted)
          return new Promise<never>(() => {})
        },
        { hardTimeout: 50 },
      ),
    )
    await clock.advanceAsync(50)
    await failed
    expect((await promise)()).toBe(true)
  })

  it('a value that comes between once and twice the hard time-out is cached for the next', async () => {
    const { cache, clock } = await bench({ hardTimeout: HARD })
    const database = gate<string>()
    const failed = rejection(cache.getOrLoad('key', () => database.promise))
    await clock.advanceAsync(2 * HARD - 1)
    expect(await failed).toMatchObject({ code: 'ERR_LOAD_TIMEOUT' })
    database.open('late')
    await turn()
    expect(await cache.get('key')).toBe('late')
    expect(cache.stats().loads.running).toBe(0)
  })

  it('at twice the hard time-out it is given up: another may load, and its own value is written nowhere', async () => {
    const { cache, clock, server } = await bench({ hardTimeout: HARD, l1: {} })
    const database = gate<string>()
    const failed = rejection(cache.getOrLoad('key', () => database.promise))
    await clock.advanceAsync(2 * HARD)
    expect(await failed).toMatchObject({ code: 'ERR_LOAD_TIMEOUT' })
    expect(cache.stats().loads.running).toBe(0)
    const second = gate<string>()
    const other = cache.getOrLoad('key', () => second.promise)
    await turn()
    database.open('very late')
    await turn()
    expect([server.count('write'), cache.peek('key')]).toEqual([0, undefined])
    expect(cache.stats().dropped.overtaken).toBe(1)
    second.open('new')
    expect(await other).toBe('new')
    expect(await cache.get('key', { l1: false })).toBe('new')
  })

  it('a loader that fails after it harms nobody', async () => {
    const { cache, clock } = await bench({ hardTimeout: HARD })
    const database = gate<string>()
    const failed = rejection(cache.getOrLoad('key', () => database.promise))
    await clock.advanceAsync(HARD)
    expect(await failed).toMatchObject({ code: 'ERR_LOAD_TIMEOUT' })
    database.fail(new Error('at last'))
    await turn()
    expect(await cache.getOrLoad('key', () => 'next')).toBe('next')
  })

  it('of the call that opened the flight rules it', async () => {
    const { cache, clock } = await bench({ hardTimeout: HARD })
    const load = () => new Promise<never>(() => {})
    const opener = rejection(cache.getOrLoad('key', load, { hardTimeout: 100 }))
    const joiner = rejection(cache.getOrLoad('key', load, { hardTimeout: '1h' }))
    await clock.advanceAsync(100)
    expect(await opener).toBe(await joiner)
  })

  it('is 30 seconds unless set', async () => {
    const { cache, clock } = await bench()
    const failed = rejection(cache.getOrLoad('key', () => new Promise<never>(() => {})))
    await clock.advanceAsync(29_999)
    expect(await settled(failed)).toBe(false)
    await clock.advanceAsync(1)
    expect(await failed).toMatchObject({ code: 'ERR_LOAD_TIMEOUT' })
  })

  it('holds for a load of many, and for one that bypasses the cache', async () => {
    const { cache, clock } = await bench({ hardTimeout: HARD })
    const hang = () => new Promise<never>(() => {})
    const many = rejection(cache.getOrLoadMany(['a', 'b', 'c'], hang))
    const bypass = rejection(cache.getOrLoad('d', hang, { cache: 'bypass' }))
    await clock.advanceAsync(HARD)
    expect(((await many) as Error).message).toBe('the load of "a" and 2 more took longer than 1000 ms')
    expect(await bypass).toMatchObject({ code: 'ERR_LOAD_TIMEOUT' })
  })

  it('starts when the loader does, not while the node is asked', async () => {
    const { cache, clock, server } = await bench({ nodeTimeout: 250 })
    server.reads = () => new Promise(() => {})
    const failed = rejection(cache.getOrLoad('key', () => new Promise<never>(() => {}), { hardTimeout: 100 }))
    await clock.advanceAsync(349)
    expect(await settled(failed)).toBe(false)
    await clock.advanceAsync(1)
    await failed
  })
})

describe('the caller’s own time-out', () => {
  it('rejects that caller with ERR_TIMEOUT; the load goes on for the others', async () => {
    const { cache, clock } = await bench()
    const database = gate<string>()
    const load = () => database.promise
    const impatient = rejection(cache.getOrLoad('key', load, { timeout: 50 }))
    const patient = cache.getOrLoad('key', load)
    await clock.advanceAsync(50)
    const error = await impatient
    expect(error).toMatchObject({ code: 'ERR_TIMEOUT', name: 'CacheError' })
    expect((error as Error).message).toBe('there was no value of "key" within 50 ms')
    database.open('value')
    expect(await patient).toBe('value')
    expect(await cache.get('key')).toBe('value')
  })

  it('makes a get a miss, a set failed, and a delete journaled', async () => {
    const { cache, clock, server } = await bench()
    server.all = () => new Promise(() => {})
    const work = [
      cache.get('key', { timeout: 50 }),
      cache.getMany(['key'], { timeout: 50 }),
      cache.has('key', { timeout: 50 }),
      cache.set('key', 1, { timeout: 50 }),
      cache.delete('key', { timeout: '50ms' }),
    ]
    await clock.advanceAsync(50)
    const failed = { ok: false, status: 'failed' }
    const journaled = { ok: true, status: 'journaled' }
    expect(await Promise.all(work)).toEqual([undefined, new Map(), false, failed, journaled])
  })

  it('never makes a node operation longer than the node time-out', async () => {
    const { cache, clock, server } = await bench({ nodeTimeout: 100 })
    server.reads = () => new Promise(() => {})
    const get = cache.get('key', { timeout: '1m' })
    await clock.advanceAsync(100)
    expect(await get).toBeUndefined()
  })

  it('of one impatient caller does not cost the connection', async () => {
    const server = new FakeServer()
    const cache = await makeCache({ nodes: [server.node()] })
    server.reads = () => new Promise(() => {})
    await cache.get('key', { timeout: 1 })
    expect(server.reset).toBe(0)
  })
})
