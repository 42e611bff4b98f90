import { describe, expect, it } from 'vitest'
import type { ShardedCache } from '../src/cache.ts'
import type { LoaderMany } from '../src/types.ts'
import { warmKeys, type WarmFace, type WarmOptions, type WarmProgress } from '../src/warm.ts'
import { ManualClock } from '../src/testing/index.ts'
import { bench, rejection, settled, turn } from './support/caches.ts'
import { gate, type Gate } from './support/fake-node.ts'

const keys = (count: number, from = 0): string[] => Array.from({ length: count }, (_, i) => `key:${from + i}`)

/** A loader that remembers what it was asked for. */
function source(): { load: LoaderMany<string>; asked: string[][] } {
  const asked: string[][] = []
  return {
    asked,
    load: (missing) => {
      asked.push(missing)
      return Promise.resolve(missing.map((key) => [key, `value of ${key}`] as const))
    },
  }
}

/** A loader whose calls wait until a test lets them go on. */
function held(): { load: LoaderMany<string>; calls: { keys: string[]; gate: Gate }[] } {
  const calls: { keys: string[]; gate: Gate }[] = []
  return {
    calls,
    load: async (missing) => {
      const one = { keys: missing, gate: gate() }
      calls.push(one)
      await one.gate.promise
      return missing.map((key) => [key, key] as const)
    },
  }
}

/** Keys that count how many of them were taken, and whether they were told that no more are wanted. */
async function* counted(count: number, taken: { count: number; ended: boolean }): AsyncGenerator<string> {
  try {
    for (const key of keys(count)) {
      taken.count++
      yield await Promise.resolve(key)
    }
  } finally {
    taken.ended = true
  }
}

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

describe('a warm-up whose loads fail', () => {
  const broken = new Error('broken')

  it('counts the batch, tells why, and goes on', async () => {
    const { cache } = await bench()
    const { load } = source()
    const failing: LoaderMany<string> = (missing, context) => {
      if (missing.includes('key:15')) throw broken
      return load(missing, context)
    }
    const progress: WarmProgress[] = []
    const options = { batch: 10, concurrency: 1, onProgress: (each: WarmProgress) => progress.push(each) }
    expect(await cache.warm(keys(40), failing, options)).toEqual({ done: 40, loaded: 30, skipped: 0, failed: 10 })
    expect(progress.map(({ failed }) => failed)).toEqual([0, 10, 10, 10])
    expect(progress.map(({ error }) => error)).toMatchObject([undefined, { code: 'ERR_LOAD', cause: broken }, undefined, undefined]) // prettier-ignore
  })

  it('gives up after ten failures in a row, with the last error', async () => {
    const { cache } = await bench()
    let calls = 0
    const failing: LoaderMany<string> = async (missing) => {
      // The first is right, so is the eleventh: nine failures between them are borne.
      if (++calls === 1 || calls === 11) return missing.map((key) => [key, key] as const)
      throw broken
    }
    const warming = cache.warm(keys(1_000), failing, { batch: 1, concurrency: 1 })
    expect(await rejection(warming)).toMatchObject({ code: 'ERR_LOAD', cause: broken })
    expect(calls).toBe(21)
  })

  it('rejects when no batch went well, however few there were', async () => {
    const { cache } = await bench()
    const rows = (() => [{ id: 1 }]) as unknown as LoaderMany<string>
    expect(await rejection(cache.warm(keys(3), rows))).toMatchObject({ code: 'ERR_LOADER_RESULT' })
  })

  it('is a failed batch too where a stale entry was served instead', async () => {
    const face: WarmFace = {
      async getOrLoadMany(names, load) {
        const all = [...names]
        if (all.length > 0) await Promise.resolve(load(all, { signal: new AbortController().signal })).catch(() => {})
        return new Map(all.map((key) => [key, 'stale']))
      },
    }
    const warming = warmKeys(face, keys(3), () => Promise.reject(broken), new ManualClock())
    expect(await rejection(warming)).toMatchObject({ code: 'ERR_LOAD', cause: broken })
  })

  it('waits for loaders that run in the background, until they are given up', async () => {
    const late = new Error('given up')
    const controller = new AbortController()
    const face: WarmFace = {
      getOrLoadMany(names, load) {
        const all = [...names]
        if (all.length > 0) void load(all, { signal: controller.signal })
        return Promise.resolve(new Map(all.map((key) => [key, 'stale'])))
      },
    }
    const warming = warmKeys(face, keys(3), () => new Promise(() => {}), new ManualClock())
    expect(await settled(warming)).toBe(false)
    controller.abort(late)
    expect(await rejection(warming)).toBe(late)
  })

  it('ends at once for what no other batch would do better', async () => {
    const { cache } = await bench()
    const { load, asked } = source()
    const warming = cache.warm(['a', '', 'b', 'c'], load, { batch: 1, concurrency: 1 })
    expect(await rejection(warming)).toMatchObject({ code: 'ERR_KEY' })
    expect(asked).toEqual([['a']])
  })

  it('rejects with what the keys threw, when what is under way has settled', async () => {
    const { cache } = await bench()
    const { load, calls } = held()
    function* some(): Generator<string> {
      yield* keys(10)
      throw broken
    }
    const warming = cache.warm(some(), load, { batch: 10 })
    expect(await settled(warming)).toBe(false)
    calls[0]!.gate.open()
    expect(await rejection(warming)).toBe(broken)
  })

  it('rejects with what onProgress threw', async () => {
    const { cache } = await bench()
    const { load, asked } = source()
    const onProgress = (): never => {
      throw broken
    }
    expect(await rejection(cache.warm(keys(500), load, { concurrency: 1, onProgress }))).toBe(broken)
    expect(asked).toHaveLength(1)
  })
})

describe('warm refuses, before it reads anything,', () => {
  it.each<[string, (cache: ShardedCache, warm: (options: unknown) => Promise<unknown>) => Promise<unknown>, string]>([
    ['a concurrency of none', (_, warm) => warm({ concurrency: 0 }), 'concurrency must be a whole number of at least 1; given: 0'], // prettier-ignore
    ['a batch of none', (_, warm) => warm({ batch: -1 }), 'batch must be a whole number of at least 1; given: -1'],
    ['a rate that is a text', (_, warm) => warm({ rate: '10' }), 'rate must be a whole number of at least 1; given: "10"'], // prettier-ignore
    ['an onProgress that is none', (_, warm) => warm({ onProgress: 1 }), 'onProgress must be a function; given: 1'],
    ['a signal that is none', (_, warm) => warm({ signal: 1 }), 'signal must be an AbortSignal; given: 1'],
    ['a bad option of loads', (_, warm) => warm({ ttl: 'soon' }), 'given: "soon"'],
    ['what is no option', (_, warm) => warm({ speed: 1 }), 'warm options has no option "speed"'],
    ['an option of loads that is not its own', (_, warm) => warm({ l1: true }), 'warm options has no option "l1"'],
    ['no options', (_, warm) => warm(1), 'warm options must be an object; given: 1'],
    ['a loader that is none', (cache) => cache.warm(keys(1), 1 as never), 'the loader must be a function; given: 1'],
    ['keys that are a text', (cache) => cache.warm('abc', source().load), 'keys must be an array or another iterable; given: "abc"'], // prettier-ignore
  ])('%s', async (_, run, message) => {
    const { cache, server } = await bench()
    const taken = { count: 0, ended: false }
    const { load, asked } = source()
    const error = await rejection(run(cache, (options) => cache.warm(counted(1, taken), load, options as WarmOptions)))
    expect(error).toMatchObject({ code: 'ERR_OPTION' })
    expect((error as Error).message).toContain(message)
    expect([taken.count, server.count(), asked.length]).toEqual([0, 0, 0])
  })

  it('a cache that is closed', async () => {
    const { cache } = await bench()
    await cache.close()
    const taken = { count: 0, ended: false }
    expect(await rejection(cache.warm(counted(1, taken), source().load))).toMatchObject({ code: 'ERR_CLOSED' })
    expect(taken.count).toBe(0)
  })
})
