import { afterEach, describe, expect, it, vi } from 'vitest'
import { Entry } from '../../src/entry/entry.ts'
import * as form from '../../src/entry/form.ts'
import type { CacheOptions } from '../../src/options.ts'
import { bench, collect, turn, type Bench } from '../support/caches.ts'
import { FakeServer, gate, hangs, works, type Behaviour } from '../support/fake-node.ts'

interface Tier extends Bench {
  /** Keys and bytes that `removeIf` was given, and whether it removed them. */
  readonly compared: { key: string; removed: boolean }[]
}

/** A cache on a server that can remove what it holds by comparison, unless `able` is false. */
async function setUp(able = true, options: Partial<CacheOptions> = {}): Promise<Tier> {
  const server = new FakeServer()
  const compared: Tier['compared'] = []
  if (able) {
    const removeIf = (key: string, value: Uint8Array): Promise<boolean> => {
      const stored = server.store.get(key)
      const removed = stored !== undefined && Buffer.compare(stored.value, value) === 0 && server.store.delete(key)
      compared.push({ key, removed })
      return Promise.resolve(removed)
    }
    server.powers = { removeIf }
  }
  const made = await bench({ nodes: [server.node()], ...options })
  return { cache: made.cache, clock: made.clock, server, compared }
}

/** Replies are out of step by one, until the connection is replaced. */
function shift(server: FakeServer): void {
  let late: unknown = [...server.store.values()].at(-1)?.value
  const shifted: Behaviour = (answer) => {
    const [before, now] = [late, answer()]
    late = now.at(-1)
    return Promise.resolve([before, ...now.slice(0, -1)] as never)
  }
  server.reads = shifted
  server.resets = () => (server.reads = works)
}

/** Stores one key's entry under another one's name. */
function misfile(server: FakeServer, from: string, to: string): void {
  server.store.set(to, server.store.get(from)!)
}

const entries = (...keys: string[]): [string, string][] => keys.map((key) => [key, `of ${key}`])

describe('replies that are out of step', () => {
  afterEach(() => void vi.restoreAllMocks())

  it('cost one connection, however many reads run into them; each gets its own value all the same', async () => {
    const { cache, server, compared } = await setUp()
    const keys = Array.from({ length: 30 }, (_, i) => `k:${i}`)
    await cache.setMany(entries(...keys))
    shift(server)
    const reads = keys.map((key) => cache.get(key))
    expect(await Promise.all(reads)).toEqual(keys.map((key) => `of ${key}`))
    expect(server.reset).toBe(1)
    await turn()
    expect([compared, server.store.size]).toEqual([[], 30])
  })

  it('cost all that a read of many brought over it: also what looked right', async () => {
    const { cache, server } = await setUp()
    await cache.setMany(entries('a', 'b', 'c'))
    const dropped = collect(cache, 'dropped')
    const counted: string[][] = []
    server.reads = (answer, keys) => {
      counted.push([...keys])
      const outcomes = answer()
      return Promise.resolve(counted.length === 1 ? [outcomes[0], outcomes[2], outcomes[1]] : outcomes)
    }
    expect([...(await cache.getMany(['a', 'b', 'c']))]).toEqual(entries('a', 'b', 'c'))
    expect(counted).toEqual([
      ['a', 'b', 'c'],
      ['a', 'b', 'c'],
    ])
    expect(dropped.map(({ reason, key }) => [reason, key])).toEqual([
      ['wrong-key', 'b'],
      ['wrong-key', 'c'],
    ])
  })

  it('are found again at once, any number of times: such a connection earns no trust', async () => {
    const { cache, server } = await setUp()
    await cache.setMany(entries('a', 'b'))
    for (let i = 1; i <= 5; i++) {
      shift(server)
      await cache.get('a')
      expect(await cache.get('b')).toBe('of b')
      expect(server.reset).toBe(i)
    }
  })

  it('are read again also while the connection is trusted, if it was replaced since', async () => {
    const { cache, server } = await setUp()
    await cache.setMany(entries('a', 'b'))
    misfile(server, 'a', 'c')
    const slow = gate()
    const ofA = server.store.get('a')!.value
    server.reads = () => slow.promise.then(() => [ofA])
    const early = cache.get('b')
    server.reads = works
    // Wrong, and still wrong: trust begins.
    expect(await cache.get('c')).toBeUndefined()
    slow.open()
    expect(await early).toBe('of b')
    expect(server.reset).toBe(1)
  })

  it('control: what does not ask whose value it is hands out others’', async () => {
    const real = form.unpack
    vi.spyOn(form, 'unpack').mockImplementation((how, bytes, _, ...rest) => {
      for (const key of ['a', 'b']) {
        const unpacked = real(how, bytes, key, ...rest)
        if (unpacked instanceof Entry) return unpacked
      }
      return { status: 'corrupt' }
    })
    const { cache, server } = await setUp()
    await cache.setMany(entries('a', 'b'))
    shift(server)
    await cache.get('a')
    expect(await cache.get('b')).toBe('of a')
  })
})

describe('a value that is stored under the wrong name', () => {
  it('is a miss, and removed by comparison; the connection is replaced once and then kept', async () => {
    const { cache, server, compared } = await setUp()
    await cache.set('a', 'of a')
    misfile(server, 'a', 'b')
    const dropped = collect(cache, 'dropped')
    expect(await cache.get('b')).toBeUndefined()
    await turn()
    expect([server.reset, compared, server.store.has('b')]).toEqual([1, [{ key: 'b', removed: true }], false])
    expect(dropped).toMatchObject([{ reason: 'wrong-key', key: 'b', node: 'fake' }])
    // Within a second the connection is trusted: such a value is removed without a second look.
    misfile(server, 'a', 'c')
    expect(await cache.get('c')).toBeUndefined()
    await turn()
    expect([server.reset, server.store.has('c')]).toEqual([1, false])
    expect(await cache.get('a')).toBe('of a')
  })

  it('is not removed when somebody has written a good one meanwhile', async () => {
    const { cache, server, compared } = await setUp()
    await cache.set('a', 'of a')
    misfile(server, 'a', 'b')
    const second = (answer: () => never[]): never[] => {
      const outcomes = answer()
      void cache.setMany([['b', 'of b']])
      return outcomes
    }
    server.resets = () => (server.reads = (answer) => Promise.resolve(second(answer as never)))
    expect(await cache.get('b')).toBeUndefined()
    await turn()
    expect(compared).toEqual([{ key: 'b', removed: false }])
    server.reads = works
    expect(await cache.get('b')).toBe('of b')
  })

  it('stays where the server cannot compare; and the connection is replaced ever more rarely', async () => {
    const { cache, clock, server } = await setUp(false)
    await cache.set('a', 'of a')
    misfile(server, 'a', 'b')
    const at: number[] = []
    server.resets = () => at.push(clock.monotonic())
    for (let i = 0; i < 1_000; i++) {
      expect(await cache.get('b')).toBeUndefined()
      clock.advance(250)
    }
    const pauses = at.slice(1).map((time, i) => time - at[i]!)
    expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000])
    expect(server.store.has('b')).toBe(true)
  })

  it('read by callers in a hurry does not replace the connection for each of them', async () => {
    const { cache, clock, server } = await setUp(false)
    await cache.set('a', 'of a')
    misfile(server, 'a', 'b')
    server.connects = () => new Promise(() => {})
    for (let i = 0; i < 20; i++) {
      const reading = cache.get('b', { timeout: 10 })
      await clock.advanceAsync(10)
      expect(await reading).toBeUndefined()
    }
    expect(server.reset).toBe(1)
  })
})

describe('a value that is damaged', () => {
  const damage = (server: FakeServer, key: string): void => {
    const stored = server.store.get(key)!
    server.store.set(key, { ...stored, value: Buffer.from(stored.value).fill(0xff, stored.value.length - 1) })
  }

  it.each([true, false])('is a miss, told once, and removed (by comparison: %s)', async (able) => {
    const { cache, server } = await setUp(able)
    await cache.set('a', 'of a')
    damage(server, 'a')
    const dropped = collect(cache, 'dropped')
    expect(await cache.get('a')).toBeUndefined()
    await turn()
    expect([server.store.has('a'), server.reset]).toEqual([false, 1])
    expect(dropped).toMatchObject([{ reason: 'corrupt', key: 'a' }])
  })

  it('on its way, not in its place, is read rightly at the second look, and kept', async () => {
    const { cache, server, compared } = await setUp()
    await cache.set('a', 'of a')
    server.reads = (answer) =>
      Promise.resolve(answer().map((one) => (one instanceof Uint8Array ? one.subarray(0, -1) : one)))
    server.resets = () => (server.reads = works)
    expect(await cache.get('a')).toBe('of a')
    await turn()
    expect([compared, server.store.has('a')]).toEqual([[], true])
  })

  it('on a replica is removed from the primary, if that has the same, and replicas are never written to', async () => {
    const [primary, replica] = [new FakeServer('p'), new FakeServer('r')]
    const asked: string[] = []
    for (const server of [primary, replica]) {
      server.powers = {
        removeIf: (key, value) => {
          const stored = server.store.get(key)
          asked.push(server.id)
          return Promise.resolve(
            stored !== undefined && Buffer.compare(stored.value, value) === 0 && server.store.delete(key),
          )
        },
      }
    }
    const { cache, clock } = await bench({ nodes: [primary.node({ replicas: [replica] })], reads: 'replica' })
    await cache.set('a', 'of a')
    damage(primary, 'a')
    replica.store.set('a', primary.store.get('a')!)
    clock.advance(1_000)
    expect(await cache.get('a')).toBeUndefined()
    await turn()
    expect([asked, primary.store.has('a')]).toEqual([['p'], false])
  })
})

describe('when the second look brings nothing', () => {
  it('the key is a miss inside the same deadline, and nothing is removed', async () => {
    const { cache, clock, server, compared } = await setUp()
    await cache.set('a', 'of a')
    misfile(server, 'a', 'b')
    server.resets = () => (server.reads = hangs)
    const began = clock.monotonic()
    const reading = cache.get('b').then((value) => [value, clock.monotonic() - began])
    await clock.advanceAsync(1_000)
    expect(await reading).toEqual([undefined, 250])
    expect([compared, server.store.has('b')]).toEqual([[], true])
  })
})

it('what is stored raw carries no name: nothing is doubted', async () => {
  const { cache, server } = await setUp(true, { format: 'raw' })
  await cache.set('a', 'of a')
  misfile(server, 'a', 'b')
  expect(await cache.get('b')).toBe('of a')
  expect(server.reset).toBe(0)
})
