import { describe, expect, it } from 'vitest'
import { bloomFilter, buildBloomFilter, type BuildBloomFilterOptions } from '../../src/loading/bloom.ts'
import { checkGate, type Gate } from '../../src/loading/gate.ts'

/** Keys from 0 on; `closed` once the reader has let go. */
class Source {
  read = 0
  closed = false
  readonly #count: number

  constructor(count: number) {
    this.#count = count
  }

  async *keys(): AsyncGenerator<string> {
    try {
      while (this.read < this.#count) yield `user:${this.read++}`
    } finally {
      this.closed = true
    }
  }
}

describe('buildBloomFilter', () => {
  it('reads an async iterable, and says how far it is', async () => {
    const source = new Source(2_500)
    const seen: number[] = []
    const filter = await buildBloomFilter(source.keys(), { expected: 2_500, onProgress: (done) => seen.push(done) })
    expect(seen).toEqual([1_000, 2_000, 2_500])
    for (let i = 0; i < 2_500; i++) expect(filter.mayExist(`user:${i}`)).toBe(true)
    expect(source.closed).toBe(true)
    filter.add('user:new')
    expect(filter.mayExist('user:new')).toBe(true)
  })

  it.each([
    [0, [0]],
    [999, [999]],
    [1_000, [1_000]],
    [1_001, [1_000, 1_001]],
  ])('with %i keys reports %j', async (count, expected) => {
    const seen: number[] = []
    await buildBloomFilter(new Source(count).keys(), { onProgress: (done) => seen.push(done) })
    expect(seen).toEqual(expected)
  })

  it('reads arrays, sets and generators too, and is the same as adding one by one', async () => {
    const keys = ['a', 'b', 'c']
    const one = await bloomFilter({ expected: 10 })
    for (const key of keys) one.add(key)
    for (const some of [keys, new Set(keys), keys.values()]) {
      const built = await buildBloomFilter(some, { expected: 10 })
      expect(Buffer.from(built.serialize())).toEqual(Buffer.from(one.serialize()))
    }
  })

  it('gives the event loop a turn after every 1,000 keys, whether the keys come at once or not', async () => {
    const array = Array.from({ length: 50_000 }, (_, i) => `user:${i}`)
    for (const keys of [array, new Source(50_000).keys()]) {
      let turns = 0
      let handle = setImmediate(function turn() {
        turns++
        handle = setImmediate(turn)
      })
      await buildBloomFilter(keys)
      clearImmediate(handle)
      expect(turns).toBeGreaterThanOrEqual(49)
    }
  })

  it('stops when aborted, lets go of the source, and rejects with the reason', async () => {
    const source = new Source(1_000_000)
    const stop = new AbortController()
    const reason = new Error('shutting down')
    const onProgress = (done: number): void => {
      if (done === 3_000) stop.abort(reason)
    }
    await expect(buildBloomFilter(source.keys(), { onProgress, signal: stop.signal })).rejects.toBe(reason)
    await expect.poll(() => source.closed).toBe(true)
    expect(source.read).toBeLessThanOrEqual(3_001)
  })

  it('reads nothing when it was aborted before', async () => {
    const source = new Source(10)
    await expect(buildBloomFilter(source.keys(), { signal: AbortSignal.abort('no') })).rejects.toBe('no')
    expect(source.read).toBe(0)
  })

  it('stops waiting for a source that hangs', async () => {
    const stop = new AbortController()
    const reason = new Error('too slow')
    const hanging: AsyncIterable<string> = {
      [Symbol.asyncIterator]: () => ({
        next: () => {
          setImmediate(() => stop.abort(reason))
          return new Promise(() => {})
        },
      }),
    }
    await expect(buildBloomFilter(hanging, { signal: stop.signal })).rejects.toBe(reason)
  })

  it('notices an abort by the source itself', async () => {
    const stop = new AbortController()
    const keys: Iterable<string> = {
      [Symbol.iterator]: () => {
        stop.abort('enough')
        return ['a'].values()
      },
    }
    await expect(buildBloomFilter(keys, { signal: stop.signal })).rejects.toBe('enough')
  })

  it('rejects with what the source or the callback throws', async () => {
    const lost = new Error('connection lost')
    const failing = async function* (): AsyncGenerator<string> {
      yield 'a'
      throw lost
    }
    await expect(buildBloomFilter(failing())).rejects.toBe(lost)
    const source = new Source(5_000)
    const onProgress = (): never => {
      throw lost
    }
    await expect(buildBloomFilter(source.keys(), { onProgress })).rejects.toBe(lost)
    expect(source).toMatchObject({ closed: true, read: 1_000 })
  })

  it('leaves no listener on the signal', async () => {
    const { signal } = new AbortController()
    const listeners = { added: 0, removed: 0 }
    const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)]
    signal.addEventListener = (...args: Parameters<typeof add>): void => {
      listeners.added++
      add(...args)
    }
    signal.removeEventListener = (...args: Parameters<typeof remove>): void => {
      listeners.removed++
      remove(...args)
    }
    await buildBloomFilter(['a'], { signal })
    await expect.poll(() => listeners).toEqual({ added: 1, removed: 1 })
  })

  const wrong: [unknown, unknown, string][] = [
    ['user:1', {}, 'keys must be an iterable or async iterable; given: "user:1"'],
    [7, {}, 'keys must be an iterable or async iterable; given: 7'],
    [undefined, {}, 'keys must be an iterable or async iterable; given: undefined'],
    [() => [], {}, 'keys must be an iterable or async iterable; given: a function'],
    [[], { progress: 1 }, 'options has no option "progress"; known: falsePositives, expected, onProgress, signal'],
    [[], { onProgress: 1 }, 'onProgress must be a function; given: 1'],
    [[], { signal: 'x' }, 'signal must be an AbortSignal; given: "x"'],
    [[], { falsePositives: 2 }, 'falsePositives must be a number from 0.000001 to 0.5; given: 2'],
  ]
  it.each(wrong)('of %j with %j rejects', async (keys, options, message) => {
    const built = buildBloomFilter(keys as string[], options as BuildBloomFilterOptions)
    await expect(built).rejects.toMatchObject({ code: 'ERR_OPTION', message })
  })

  it('rejects a key that cannot be one', async () => {
    await expect(buildBloomFilter([7] as unknown as string[])).rejects.toMatchObject({
      code: 'ERR_KEY',
      message: 'a key must be a string; given: 7',
    })
  })
})

describe('checkGate', () => {
  it('takes none, a filter, and one’s own', async () => {
    expect(checkGate(undefined)).toBeUndefined()
    const filter: Gate = await bloomFilter()
    expect(checkGate(filter)).toBe(filter)
    const own: Gate = { mayExist: (key) => key.startsWith('user:') }
    expect(checkGate(own)).toBe(own)
  })

  it.each([
    [null, 'gate must be an object with a function mayExist; given: null'],
    [(): boolean => true, 'gate must be an object with a function mayExist; given: a function'],
    [new Set(['a']), 'gate must be an object with a function mayExist; given: an object with the keys (none)'],
    [{ mayExist: true }, 'gate must be an object with a function mayExist; given: an object with the keys mayExist'],
    [Promise.resolve(), 'gate must be a gate; given: a promise of one; await it first'],
  ])('refuses %s', (given: unknown, message) => {
    expect(() => checkGate(given)).toThrow(expect.objectContaining({ code: 'ERR_OPTION', message }))
  })
})
