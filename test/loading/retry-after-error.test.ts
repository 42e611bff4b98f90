import { describe, expect, it } from 'vitest'
import { memoryNode } from '../../src/node/memory.ts'
import type { CacheOptions } from '../../src/options.ts'
import { faulty, ManualClock } from '../../src/testing/index.ts'
import { bench, makeCache, rejection, turn, type Bench } from '../support/caches.ts'
import { FakeServer, gate } from '../support/fake-node.ts'

const RETRY = 1_000

interface Failing extends Bench {
  /** How often the loader was called. */
  calls(): number
  /** What the loader throws; `undefined` lets it succeed. */
  failure: Error | undefined
  ask(): Promise<unknown>
}

async function failing(options: Partial<CacheOptions> = { retryAfterError: RETRY }): Promise<Failing> {
  let calls = 0
  const made: Failing = {
    ...(await bench(options)),
    calls: () => calls,
    failure: new Error('down'),
    ask: () =>
      made.cache.getOrLoad('key', () => {
        calls++
        if (made.failure) throw made.failure
        return 'new'
      }),
  }
  return made
}

describe('retryAfterError', () => {
  it('answers with the error until it has passed; then there is a new load', async () => {
    const made = await failing()
    const error = await rejection(made.ask())
    expect(error).toMatchObject({ code: 'ERR_LOAD', cause: made.failure })
    await made.clock.advanceAsync(RETRY - 1)
    expect([await rejection(made.ask()), made.calls()]).toEqual([error, 1])
    await made.clock.advanceAsync(1)
    expect(await rejection(made.ask())).not.toBe(error)
    expect(made.calls()).toBe(2)
  })

  it('control: without it, each caller loads', async () => {
    const made = await failing({})
    for (let i = 0; i < 5; i++) await rejection(made.ask())
    expect(made.calls()).toBe(5)
  })

  it('answers with the stale value where there is one, at once', async () => {
    const made = await failing({ retryAfterError: RETRY, ttl: 100, staleIfError: 60_000 })
    await made.cache.set('key', 'old')
    made.clock.advance(100)
    expect([await made.ask(), await made.ask(), made.calls()]).toEqual(['old', 'old', 1])
    made.failure = undefined
    await made.clock.advanceAsync(RETRY)
    expect([await made.ask(), await made.ask(), made.calls()]).toEqual(['new', 'new', 2])
  })

  it('holds for loads in the background', async () => {
    const made = await failing({ retryAfterError: RETRY, ttl: 100, staleWhileRevalidate: 60_000 })
    await made.cache.set('key', 'old')
    made.clock.advance(100)
    for (let i = 0; i < 5; i++) {
      expect(await made.ask()).toBe('old')
      await turn()
    }
    expect(made.calls()).toBe(1)
    made.failure = undefined
    await made.clock.advanceAsync(RETRY)
    expect(await made.ask()).toBe('old')
    await turn()
    expect([await made.ask(), made.calls()]).toEqual(['new', 2])
  })

  it('is over with a load that succeeds, and with a set', async () => {
    const made = await failing()
    await rejection(made.ask())
    made.failure = undefined
    expect(await made.cache.getOrLoad('key', () => 'refreshed', { cache: 'refresh' })).toBe('refreshed')
    await made.cache.delete('key')
    expect([await made.ask(), made.calls()]).toEqual(['new', 2])

    made.failure = new Error('down again')
    await made.cache.delete('key')
    await rejection(made.ask())
    await made.cache.set('key', 'set')
    expect([await made.ask(), made.calls()]).toEqual(['set', 3])
  })

  it('is each key’s own, in a load of many too', async () => {
    const made = await failing()
    await rejection(made.ask())
    const asked: string[][] = []
    const load = (missing: string[]): [string, string][] => {
      asked.push(missing)
      return missing.map((key) => [key, 'loaded'])
    }
    expect(await rejection(made.cache.getOrLoadMany(['key', 'other'], load))).toMatchObject({ code: 'ERR_LOAD' })
    await turn()
    expect(asked).toEqual([['other']])
    expect(await made.cache.get('other')).toBe('loaded')
  })

  it('counts from the hard time-out when the loader hangs', async () => {
    const { cache, clock } = await bench({ retryAfterError: RETRY, hardTimeout: 100 })
    let calls = 0
    const ask = (): Promise<unknown> =>
      rejection(
        cache.getOrLoad('key', () => {
          calls++
          return new Promise<never>(() => {})
        }),
      )
    const first = ask()
    await clock.advanceAsync(100)
    const error = await first
    expect(error).toMatchObject({ code: 'ERR_LOAD_TIMEOUT' })
    // Given up after 200 ms; its error goes on answering.
    await clock.advanceAsync(RETRY - 1)
    expect([await ask(), calls]).toEqual([error, 1])
    await clock.advanceAsync(1)
    const second = ask()
    await clock.advanceAsync(100)
    expect(await second).not.toBe(error)
    expect(calls).toBe(2)
  })

  it('is not for a load that never began, because too many ran', async () => {
    const { cache } = await bench({ retryAfterError: RETRY, maxConcurrentLoads: 1, maxQueuedLoads: 1 })
    const database = gate<string>()
    const running = ['a', 'b'].map((key) => cache.getOrLoad(key, () => database.promise))
    await turn()
    expect(await rejection(cache.getOrLoad('key', () => 'new'))).toMatchObject({ code: 'ERR_LOAD_BUSY' })
    database.open('done')
    await Promise.all(running)
    expect(await cache.getOrLoad('key', () => 'new')).toBe('new')
  })
})

describe('a negative entry', () => {
  it('answers "there is none" for negativeTtl, not for ttl, and in no window', async () => {
    const { cache, clock } = await bench({
      nodes: [memoryNode('m')],
      ttl: 60_000,
      negativeTtl: 100,
      staleWhileRevalidate: 60_000,
      staleIfError: 60_000,
      jitter: 0.5,
    })
    let calls = 0
    const none = (): undefined => void calls++
    expect(await cache.getOrLoad('key', none)).toBeUndefined()
    clock.advance(99)
    expect(await cache.getOrLoad('key', none)).toBeUndefined()
    expect(await cache.getEntry('key')).toMatchObject({ state: 'negative', value: undefined })
    expect([await cache.has('key'), await cache.get('key'), calls]).toEqual([false, undefined, 1])
    clock.advance(1)
    expect(await cache.getEntry('key')).toBeUndefined()
    expect(await cache.getOrLoad('key', () => 'now there is')).toBe('now there is')
  })

  it('replaces a value that is out of date', async () => {
    const { cache, clock } = await bench({
      nodes: [memoryNode('m')],
      ttl: 100,
      negativeTtl: 1_000,
      staleIfError: 60_000,
    })
    await cache.set('key', 'old')
    clock.advance(100)
    expect(await cache.getOrLoad('key', () => undefined)).toBeUndefined()
    const failed = (): never => {
      throw new Error('down')
    }
    expect(await cache.getOrLoad('key', failed)).toBeUndefined()
  })

  describe.each(['a node with leases', 'a node without'])('without negativeTtl there is none, on %s', (what) => {
    const nodes = () => [what === 'a node without' ? new FakeServer().node() : memoryNode('m')]

    it('but "there is none" ends a value that is out of date', async () => {
      const { cache, clock } = await bench({ nodes: nodes(), ttl: 100, staleIfError: 60_000 })
      await cache.set('key', 'old')
      clock.advance(100)
      expect(await cache.getOrLoad('key', () => undefined)).toBeUndefined()
      clock.advance(1)
      const error = await rejection(
        cache.getOrLoad('key', () => {
          throw new Error('down')
        }),
      )
      expect(error).toMatchObject({ code: 'ERR_LOAD' })
    })

    it('nor is such a value served while it is loaded in the background again', async () => {
      const { cache, clock } = await bench({ nodes: nodes(), ttl: 100, staleWhileRevalidate: 60_000 })
      await cache.set('key', 'old')
      clock.advance(100)
      expect(await cache.getOrLoad('key', () => undefined)).toBe('old')
      await turn()
      clock.advance(1)
      expect(await cache.getOrLoad('key', () => undefined)).toBeUndefined()
    })

    it('and a refresh that finds none ends a value that is fresh', async () => {
      const { cache, clock } = await bench({ nodes: nodes(), l1: {} })
      await cache.set('key', 'old')
      expect(await cache.getOrLoad('key', () => undefined, { cache: 'refresh' })).toBeUndefined()
      clock.advance(1)
      expect([await cache.get('key'), await cache.getEntry('key')]).toEqual([undefined, undefined])
    })
  })
})

describe('expire', () => {
  const options = { nodes: [memoryNode('m')], ttl: 60_000, staleIfError: 30_000 }

  it('makes the next load a new one; get is a miss, and getEntry says it is stale', async () => {
    const { cache, clock } = await bench({ ...options, nodes: [memoryNode('m')], l1: {} })
    await cache.set('key', 'old')
    clock.advance(10_000)
    expect(await cache.expire('key')).toEqual({ ok: true, status: 'deleted' })
    expect([await cache.get('key'), cache.peek('key'), await cache.has('key')]).toEqual([undefined, undefined, false])
    expect(await cache.getEntry('key')).toMatchObject({ value: 'old', state: 'stale', freshUntil: clock.now() })
    expect(await cache.getOrLoad('key', () => 'new')).toBe('new')
    expect(await cache.getEntry('key')).toMatchObject({ value: 'new', state: 'fresh' })
  })

  it('leaves the old value for a load that fails, for staleIfError from then on', async () => {
    const { cache, clock } = await bench({ ...options, nodes: [memoryNode('m')] })
    await cache.set('key', 'old')
    clock.advance(10_000)
    await cache.expire('key')
    const fails = (): never => {
      throw new Error('down')
    }
    clock.advance(29_999)
    expect(await cache.getOrLoad('key', fails)).toBe('old')
    clock.advance(1)
    expect(await rejection(cache.getOrLoad('key', fails))).toMatchObject({ code: 'ERR_LOAD' })
  })

  it('never lengthens a life: of what is out of date already, the windows stay where they are', async () => {
    const { cache, clock } = await bench({ ...options, nodes: [memoryNode('m')], ttl: 1_000 })
    await cache.set('key', 'old')
    clock.advance(20_000)
    await cache.expire('key')
    expect(await cache.getEntry('key')).toMatchObject({ freshUntil: clock.now() - 19_000 })
  })

  it('without a window leaves nothing to be served, and of what is not there says so', async () => {
    const cache = await makeCache({ nodes: [memoryNode('m')] })
    await cache.set('key', 'old')
    await cache.expire('key')
    expect(await cache.getEntry('key')).toBeUndefined()
    expect(await cache.expire('nothing')).toEqual({ ok: true, status: 'absent' })
  })

  it('where the node cannot, deletes', async () => {
    const { cache, server } = await bench({ staleIfError: 30_000 })
    await cache.set('key', 'old')
    expect(await cache.expire('key')).toEqual({ ok: true, status: 'deleted' })
    expect(server.store.size).toBe(0)
  })

  it('of a key whose delete the node missed deletes it', async () => {
    const lab = faulty(memoryNode('m'))
    const cache = await makeCache({ ...options, nodes: [lab.node], clock: new ManualClock() })
    await cache.set('key', 'old')
    // The delete, and its first replay.
    lab.inject({ fault: 'error', operation: 'remove', times: 2 })
    expect(await cache.delete('key')).toEqual({ ok: true, status: 'journaled' })
    await turn()
    expect(await cache.expire('key')).toEqual({ ok: true, status: 'deleted' })
    expect([await cache.getEntry('key'), cache.stats().nodes[0]?.journal.keys]).toEqual([undefined, 0])
  })
})
