import { describe, expect, it } from 'vitest'
import { memoryNode } from '../src/node/memory.ts'
import { ManualClock } from '../src/testing/index.ts'
import type { WarmProgress } from '../src/warm.ts'
import { bench, makeCache, rejection, settled, turn } from './support/caches.ts'
import { FakeServer } from './support/fake-node.ts'
import { counted, held, keys, source } from './support/warm.ts'

describe('warm', () => {
  it('loads what is missing, in batches, and says what it did', async () => {
    const { cache } = await bench()
    const { load, asked } = source()
    const progress: WarmProgress[] = []
    const result = await cache.warm(keys(250), load, { onProgress: (each) => progress.push(each) })
    expect(result).toEqual({ done: 250, loaded: 250, skipped: 0, failed: 0 })
    expect(asked.map((missing) => missing.length)).toEqual([100, 100, 50])
    expect(progress.map(({ done }) => done)).toEqual([100, 200, 250])
    expect(progress.at(-1)).toEqual(result)
    expect(await cache.getMany(keys(250))).toHaveProperty('size', 250)
  })

  it('loads nothing again that is fresh, so that it goes on where it was', async () => {
    const { cache } = await bench()
    const first = source()
    await cache.warm(keys(120), first.load)
    const second = source()
    expect(await cache.warm(keys(200), second.load)).toEqual({ done: 200, loaded: 80, skipped: 120, failed: 0 })
    expect(second.asked.flat()).toEqual(keys(80, 120))
  })

  it('takes a key given twice, in one batch and in two, as done already', async () => {
    const { cache } = await bench()
    const { load, asked } = source()
    const twice = ['a', 'a', 'b', 'b', 'a', 'c']
    expect(await cache.warm(twice, load, { batch: 2, concurrency: 1 })).toEqual({ done: 6, loaded: 3, skipped: 3, failed: 0 }) // prettier-ignore
    expect(asked.flat()).toEqual(['a', 'b', 'c'])
  })

  it('counts keys of which there is none as loaded', async () => {
    const { cache } = await bench()
    expect(await cache.warm(keys(3), () => new Map())).toEqual({ done: 3, loaded: 3, skipped: 0, failed: 0 })
  })

  it.each([
    ['without leases', () => new FakeServer().node()],
    ['with leases', () => memoryNode('a')],
  ])('takes what is stale as missing, and as many at once as it may, on nodes %s', async (_, node) => {
    const clock = new ManualClock()
    const policy = { ttl: 100, staleWhileRevalidate: 1_000, earlyRefresh: 1_000 }
    const cache = await makeCache({ nodes: [node()], clock, ...policy })
    await cache.warm(keys(30), () => keys(30).map((key) => [key, 'old'] as const))
    clock.advance(200)
    const { load, calls } = held()
    const warming = cache.warm(keys(30), load, { batch: 10, concurrency: 1 })
    for (let i = 0; i < 3; i++) {
      while (calls.length <= i) await turn()
      expect(await settled(warming)).toBe(false)
      expect(calls).toHaveLength(i + 1)
      calls[i]!.gate.open()
    }
    expect(await warming).toEqual({ done: 30, loaded: 30, skipped: 0, failed: 0 })
    // It is kept as long as what other loads write.
    clock.advance(1_050)
    expect(await cache.getOrLoad('key:0', () => 'new')).toBe('key:0')
  })

  it('leaves L1 as it is', async () => {
    const { cache } = await bench({ l1: { max: 10 } })
    await cache.set('mine', 1)
    await cache.warm(keys(50), source().load)
    expect(cache.peek('mine')).toBe(1)
    expect(keys(50).filter((key) => cache.peek(key) !== undefined)).toEqual([])
    // The control: reads through the cache do push it out.
    await cache.getOrLoadMany(keys(50), source().load)
    expect(cache.peek('mine')).toBeUndefined()
  })

  it('of a space takes the names within it, and the options of loads', async () => {
    const { cache, clock } = await bench()
    const users = cache.space<string>('user', { ttl: 100 })
    await users.warm(['1', '2'], source().load)
    expect(await cache.get('user:1')).toBe('value of 1')
    await users.warm(['3'], source().load, { ttl: 1_000 })
    clock.advance(200)
    expect([...(await users.getMany(['1', '2', '3'])).keys()]).toEqual(['3'])
  })

  it('of no keys does nothing', async () => {
    const { cache } = await bench()
    expect(await cache.warm([], source().load)).toEqual({ done: 0, loaded: 0, skipped: 0, failed: 0 })
  })

  it('runs as many batches at once as it may, and takes keys no faster', async () => {
    const { cache } = await bench()
    const { load, calls } = held()
    const taken = { count: 0, ended: false }
    const warming = cache.warm(counted(100, taken), load, { batch: 10, concurrency: 3 })
    await turn()
    expect(calls).toHaveLength(3)
    expect(taken.count).toBe(30)
    calls[1]!.gate.open()
    await turn()
    expect(calls).toHaveLength(4)
    expect(taken.count).toBe(40)
    expect(await settled(warming)).toBe(false)
    for (let i = 0; i < calls.length; i++) {
      calls[i]!.gate.open()
      await turn()
    }
    expect(await warming).toMatchObject({ done: 100, loaded: 100 })
  })
})

describe('the rate of a warm-up', () => {
  it('bounds the keys that are loaded per second', async () => {
    const { cache, clock } = await bench()
    const { load, asked } = source()
    const warming = cache.warm(keys(400), load, { rate: 100, batch: 50 })
    const loaded: number[] = []
    for (let ms = 0; ms < 4_000; ms += 500) {
      await clock.advanceAsync(ms === 0 ? 0 : 500)
      loaded.push(asked.flat().length)
    }
    expect(loaded).toEqual([50, 100, 150, 200, 250, 300, 350, 400])
    expect(await warming).toMatchObject({ loaded: 400 })
  })

  it('is no batch of more than a second’s worth', async () => {
    const { cache, clock } = await bench()
    const { load, asked } = source()
    const warming = cache.warm(keys(20), load, { rate: 10 })
    await clock.advanceAsync(999)
    expect(asked.flat()).toHaveLength(10)
    await clock.advanceAsync(1)
    expect(asked.flat()).toHaveLength(20)
    await warming
  })

  it('is not spent on keys that are cached already', async () => {
    const { cache } = await bench()
    await cache.warm(keys(1_000), source().load)
    const { load } = source()
    // The clock stands still.
    expect(await cache.warm(keys(1_010), load, { rate: 10 })).toMatchObject({ loaded: 10, skipped: 1_000 })
  })

  it('keeps the process alive while it waits, and leaves no timer behind', async () => {
    const { cache, clock } = await bench()
    const before = clock.referenced
    const controller = new AbortController()
    const warming = cache.warm(keys(100), source().load, { rate: 10, signal: controller.signal })
    await turn()
    expect(clock.referenced).toBe(before + 1)
    controller.abort()
    await rejection(warming)
    expect(clock.referenced).toBe(before)
  })
})

describe('a warm-up that is aborted', () => {
  it('takes no more keys, and rejects when what is under way has settled', async () => {
    const { cache } = await bench()
    const { load, calls } = held()
    const taken = { count: 0, ended: false }
    const controller = new AbortController()
    const options = { batch: 10, concurrency: 2, signal: controller.signal }
    const warming = cache.warm(counted(100, taken), load, options)
    await turn()
    const reason = new Error('enough')
    controller.abort(reason)
    expect(await settled(warming)).toBe(false)
    for (const { gate: each } of calls) each.open()
    expect(await rejection(warming)).toBe(reason)
    expect(taken).toEqual({ count: 20, ended: true })
    expect(calls).toHaveLength(2)
    expect(await cache.get('key:19')).toBe('key:19')
  })

  it('does not wait for a key that never comes', async () => {
    const { cache } = await bench()
    const controller = new AbortController()
    const never: AsyncIterable<string> = { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) }
    const warming = cache.warm(never, source().load, { signal: controller.signal })
    await turn()
    controller.abort()
    expect(await rejection(warming)).toBe(controller.signal.reason)
  })

  it('before it began reads nothing', async () => {
    const { cache, server } = await bench()
    const taken = { count: 0, ended: false }
    const signal = AbortSignal.abort()
    expect(await rejection(cache.warm(counted(10, taken), source().load, { signal }))).toBe(signal.reason)
    expect([taken.count, server.count()]).toEqual([0, 0])
  })
})
