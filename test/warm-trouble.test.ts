import { describe, expect, it } from 'vitest'
import type { ShardedCache } from '../src/cache.ts'
import { DEFAULT_POLICY } from '../src/loading/policy.ts'
import { ManualClock } from '../src/testing/index.ts'
import type { LoaderMany } from '../src/types.ts'
import { warmKeys, type WarmFace, type WarmOptions, type WarmProgress } from '../src/warm.ts'
import { bench, rejection, settled } from './support/caches.ts'
import { context, counted, held, keys, source } from './support/warm.ts'

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

  it('is a failed batch too where there is a stale entry, which stays', async () => {
    const { cache, clock } = await bench({ ttl: 100, staleIfError: '1h' })
    await cache.warm(keys(3), () => keys(3).map((key) => [key, 'old'] as const))
    clock.advance(200)
    expect(await rejection(cache.warm(keys(3), () => Promise.reject(broken)))).toMatchObject({ cause: broken })
    expect(await cache.getOrLoad('key:0', () => Promise.reject(broken))).toBe('old')
  })

  it('is one too where a cache serves something else instead', async () => {
    const face: WarmFace = {
      async getOrLoadMany(names, load) {
        const all = [...names]
        if (all.length > 0) await Promise.resolve(load(all, context(new AbortController().signal))).catch(() => {})
        return new Map(all.map((key) => [key, 'stale']))
      },
    }
    const warming = warmKeys(face, keys(3), () => Promise.reject(broken), {
      clock: new ManualClock(),
      policy: DEFAULT_POLICY,
    })
    expect(await rejection(warming)).toMatchObject({ code: 'ERR_LOAD', cause: broken })
  })

  it('waits for loaders that run in the background, until they are given up', async () => {
    const late = new Error('given up')
    const controller = new AbortController()
    const face: WarmFace = {
      getOrLoadMany(names, load) {
        const all = [...names]
        if (all.length > 0) void load(all, context(controller.signal))
        return Promise.resolve(new Map(all.map((key) => [key, 'stale'])))
      },
    }
    const warming = warmKeys(face, keys(3), () => new Promise(() => {}), {
      clock: new ManualClock(),
      policy: DEFAULT_POLICY,
    })
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
