import { describe, expect, it, vi } from 'vitest'
import type { CacheOptions } from '../../src/options.ts'
import { Flights } from '../../src/loading/flight.ts'
import { memoryNode } from '../../src/node/memory.ts'
import { bench, rejection, turn, type Bench } from '../support/caches.ts'
import { gate, type Gate } from '../support/fake-node.ts'

interface Loading extends Bench {
  /** The keys whose loaders were called, in order. */
  readonly begun: string[]
  running(): number
  most(): number
  /** Asks for a key. */
  ask(key: string, options?: { hardTimeout: number }): Promise<string>
  finish(key: string): Promise<void>
  fail(key: string): Promise<void>
}

async function loading(options: Partial<CacheOptions>): Promise<Loading> {
  const made = await bench({ nodes: [memoryNode('m')], ...options })
  const gates = new Map<string, Gate<string>>()
  const begun: string[] = []
  let [running, most] = [0, 0]
  const load = async (key: string): Promise<string> => {
    begun.push(key)
    most = Math.max(most, ++running)
    const one = gate<string>()
    gates.set(key, one)
    try {
      return await one.promise
    } finally {
      running--
    }
  }
  const settle = async (how: (one: Gate<string>) => void, key: string): Promise<void> => {
    how(gates.get(key)!)
    await turn()
  }
  return {
    ...made,
    begun,
    running: () => running,
    most: () => most,
    ask: (key, how) => made.cache.getOrLoad(key, () => load(key), how),
    finish: (key) => settle((one) => one.open(key), key),
    fail: (key) => settle((one) => one.fail(new Error('down')), key),
  }
}

describe('maxConcurrentLoads', () => {
  it('is never exceeded; the others wait, and begin in the order in which they came', async () => {
    const made = await loading({ maxConcurrentLoads: 3 })
    const keys = Array.from({ length: 20 }, (_, i) => `key:${i}`)
    const ends: Promise<string>[] = []
    for (const key of keys) {
      ends.push(
        made.ask(key).then(
          () => 'loaded',
          () => 'failed',
        ),
      )
      await turn()
    }
    expect(made.cache.stats().loads).toMatchObject({ started: 3, queued: 17, running: 20 })
    for (const key of keys) {
      expect(made.running()).toBe(Math.min(3, keys.length - keys.indexOf(key)))
      await (keys.indexOf(key) % 3 === 0 ? made.fail(key) : made.finish(key))
    }
    expect([made.begun, made.most()]).toEqual([keys, 3])
    expect((await Promise.all(ends)).filter((end) => end === 'failed')).toHaveLength(7)
    expect(made.cache.stats().loads).toMatchObject({ started: 20, queued: 0, running: 0, failed: 7 })
  })

  it('control: without it, all run at once', async () => {
    const made = await loading({})
    const all = Array.from({ length: 20 }, (_, i) => rejection(made.ask(`key:${i}`)))
    await turn()
    expect(made.most()).toBe(20)
    for (const key of made.begun) await made.fail(key)
    await Promise.all(all)
  })

  it('counts loads of many as one, and those of a bypass and in the background too', async () => {
    const { cache, clock } = await bench({ ttl: 100, staleWhileRevalidate: 1_000, maxConcurrentLoads: 1 })
    await cache.set('stale', 'old')
    clock.advance(100)
    const database = gate()
    const begun: string[] = []
    const many = cache.getOrLoadMany(['a', 'b', 'c'], async (missing) => {
      begun.push('many')
      await database.promise
      return missing.map((key) => [key, 1])
    })
    await turn()
    const bypass = cache.getOrLoad('d', () => begun.push('bypass'), { cache: 'bypass' })
    expect(await cache.getOrLoad('stale', () => (begun.push('background'), 'new'))).toBe('old')
    await turn()
    expect([begun, cache.stats().loads.queued]).toEqual([['many'], 2])
    database.open()
    await Promise.all([many, bypass])
    await turn()
    expect(begun).toEqual(['many', 'bypass', 'background'])
    expect(await cache.get('stale')).toBe('new')
  })

  it('a loader that throws at once frees its place', async () => {
    const { cache } = await bench({ maxConcurrentLoads: 1 })
    const throws = (): never => {
      throw new Error('down')
    }
    const all = Array.from({ length: 10 }, (_, i) => rejection(cache.getOrLoad(`key:${i}`, throws)))
    expect(await Promise.all(all)).toMatchObject(all.map(() => ({ code: 'ERR_LOAD' })))
    expect(await cache.getOrLoad('key', () => 'value')).toBe('value')
  })

  it('the hard time-out runs while a load waits for its turn: it is rejected, and never begins', async () => {
    const made = await loading({ maxConcurrentLoads: 1 })
    const first = made.ask('first')
    await turn()
    const failed = rejection(made.ask('second', { hardTimeout: 100 }))
    await made.clock.advanceAsync(100)
    const error = await failed
    expect(error).toMatchObject({ code: 'ERR_LOAD_TIMEOUT' })
    expect((error as Error).message).toBe('the load of "second" waited for its turn for 100 ms')
    expect(made.cache.stats().loads).toMatchObject({ queued: 0, running: 1, timedOut: 1 })
    await made.finish('first')
    await first
    expect(made.begun).toEqual(['first'])
    // Its lease was given back.
    const again = made.ask('second')
    await turn()
    await made.finish('second')
    expect(await again).toBe('second')
  })

  it('a load that is given up at twice its hard time-out frees its place, once', async () => {
    const made = await loading({ maxConcurrentLoads: 1 })
    const hung = rejection(made.ask('hung', { hardTimeout: 100 }))
    await turn()
    const waiting = [made.ask('next'), made.ask('after')]
    await made.clock.advanceAsync(199)
    expect([await hung, made.begun]).toEqual([expect.objectContaining({ code: 'ERR_LOAD_TIMEOUT' }), ['hung']])
    await made.clock.advanceAsync(1)
    expect(made.begun).toEqual(['hung', 'next'])
    // It comes to its end after all: that is nobody's place.
    await made.finish('hung')
    expect(made.begun).toEqual(['hung', 'next'])
    await made.finish('next')
    await made.finish('after')
    expect(await Promise.all(waiting)).toEqual(['next', 'after'])
  })

  it('beyond maxQueuedLoads a load is rejected at once with ERR_LOAD_BUSY', async () => {
    const made = await loading({ maxConcurrentLoads: 1, maxQueuedLoads: 2 })
    const accepted = ['a', 'b', 'c'].map((key) => made.ask(key))
    await turn()
    const error = await rejection(made.ask('d'))
    expect(error).toMatchObject({ code: 'ERR_LOAD_BUSY', name: 'LoadError' })
    expect((error as Error).message).toBe('2 loads wait already; "d" was not loaded')
    // Who asks for a key that waits already shares its load.
    const shared = made.ask('c')
    for (const key of ['a', 'b', 'c']) await made.finish(key)
    expect(await Promise.all([...accepted, shared])).toEqual(['a', 'b', 'c', 'c'])
    const later = made.ask('d')
    await turn()
    await made.finish('d')
    expect(await later).toBe('d')
  })

  it('where there is a value that staleIfError allows, that is the answer instead', async () => {
    const made = await loading({ maxConcurrentLoads: 1, maxQueuedLoads: 1, ttl: 100, staleIfError: 10_000 })
    await made.cache.set('key', 'old')
    made.clock.advance(100)
    const accepted = ['a', 'b'].map((key) => made.ask(key))
    await turn()
    expect(await made.ask('key')).toBe('old')
    for (const key of ['a', 'b']) await made.finish(key)
    await Promise.all(accepted)
  })

  it('close rejects those that run and those that wait, and begins none of them', async () => {
    const made = await loading({ maxConcurrentLoads: 1 })
    const all = ['a', 'b', 'c'].map((key) => rejection(made.ask(key)))
    await turn()
    const closing = made.cache.close()
    await made.clock.advanceAsync(60_000)
    await closing
    expect(await Promise.all(all)).toMatchObject(all.map(() => ({ code: 'ERR_CLOSED' })))
    await made.finish('a')
    expect([made.begun, made.cache.stats().loads.queued]).toEqual([['a'], 0])
  })
})

describe('one load for all', () => {
  it('20 callers with a failing loader: one call, one error', async () => {
    const made = await loading({})
    const callers = Array.from({ length: 20 }, () => rejection(made.ask('key')))
    await turn()
    await made.fail('key')
    const errors = await Promise.all(callers)
    expect([new Set(errors).size, made.begun]).toEqual([1, ['key']])
    expect(errors[0]).toMatchObject({ code: 'ERR_LOAD' })
  })

  it('hard time-out 50 ms, a loader of 300 ms, 20 callers 10 ms apart: one loader at a time', async () => {
    const { cache, clock } = await bench({ nodes: [memoryNode('m')], hardTimeout: 50 })
    let [running, most, calls] = [0, 0, 0]
    const load = async (context: { signal: AbortSignal }): Promise<string> => {
      calls++
      most = Math.max(most, ++running)
      const done = gate()
      clock.setTimer(() => done.open(), 300)
      // It stops when it is told to, as a good loader does; what runs on is the next test's.
      context.signal.addEventListener('abort', () => done.open())
      await done.promise
      running--
      return 'late'
    }
    const callers: Promise<unknown>[] = []
    for (let i = 0; i < 20; i++) {
      callers.push(cache.getOrLoad('key', load).catch((error: unknown) => (error as { code: string }).code))
      await clock.advanceAsync(10)
    }
    await clock.advanceAsync(1_000)
    await Promise.all(callers)
    expect(most).toBe(1)
    expect(calls).toBeLessThanOrEqual(4)
  })

  it('control: without flights and leases, each caller loads, many at a time', async () => {
    vi.spyOn(Flights.prototype, 'get').mockReturnValue(undefined)
    const { cache, clock } = await bench({ hardTimeout: 50 })
    let [running, most, calls] = [0, 0, 0]
    const load = async (): Promise<void> => {
      calls++
      most = Math.max(most, ++running)
      await new Promise<void>((resolve) => clock.setTimer(resolve, 300))
      running--
    }
    const callers: Promise<unknown>[] = []
    for (let i = 0; i < 20; i++) {
      callers.push(cache.getOrLoad('key', load).catch(() => {}))
      await clock.advanceAsync(10)
    }
    await clock.advanceAsync(1_000)
    await Promise.all(callers)
    expect([calls, most]).toEqual([20, 20])
  })

  it('a loader that runs on regardless stays the only one until it is given up at 100 ms', async () => {
    const { cache, clock } = await bench({ nodes: [memoryNode('m')], hardTimeout: 50 })
    const begun: number[] = []
    const load = async (): Promise<string> => {
      begun.push(clock.monotonic())
      const done = gate()
      clock.setTimer(() => done.open(), 300)
      await done.promise
      return 'late'
    }
    const answers: Promise<unknown>[] = []
    const start = clock.monotonic()
    for (let i = 0; i < 20; i++) {
      const asked = clock.monotonic()
      answers.push(rejection(cache.getOrLoad('key', load)).then(() => clock.monotonic() - asked))
      await clock.advanceAsync(10)
    }
    await clock.advanceAsync(1_000)
    // Nobody waits longer than the hard time-out, and no loader begins within 100 ms of another.
    expect(Math.max(...((await Promise.all(answers)) as number[]))).toBeLessThanOrEqual(50)
    expect(begun.map((at) => at - start)).toEqual([0, 100])
  })

  it('one that ends in time is the only one: the value that comes late is there for the next', async () => {
    const { cache, clock } = await bench({ nodes: [memoryNode('m')], hardTimeout: 200 })
    let calls = 0
    const load = async (): Promise<string> => {
      calls++
      const done = gate()
      clock.setTimer(() => done.open(), 300)
      await done.promise
      return 'late'
    }
    const first = rejection(cache.getOrLoad('key', load))
    await clock.advanceAsync(250)
    expect(await first).toMatchObject({ code: 'ERR_LOAD_TIMEOUT' })
    expect(await rejection(cache.getOrLoad('key', load))).toMatchObject({ code: 'ERR_LOAD_TIMEOUT' })
    await clock.advanceAsync(50)
    expect([await cache.getOrLoad('key', load), calls]).toEqual(['late', 1])
  })
})
