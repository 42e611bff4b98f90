import { describe, expect, it, vi } from 'vitest'
import { Fence } from '../../src/tier/fence.ts'
import { v8Codec } from '../../src/entry/codec.ts'
import { bench, turn, type Bench } from '../support/caches.ts'
import { gate, isDown, takes } from '../support/fake-node.ts'

const entries = ({ cache }: Bench): number | undefined => cache.stats().l1?.entries

describe('a hit in L1', () => {
  it('sends nothing to the node, by whatever method', async () => {
    const { cache, server } = await bench({ l1: {} })
    await cache.setMany([
      ['a', 1],
      ['b', 2],
    ])
    const before = server.asked.length
    expect(await cache.get('a')).toBe(1)
    expect([...(await cache.getMany(['a', 'b']))]).toHaveLength(2)
    expect(await cache.has('a')).toBe(true)
    expect(await cache.getEntry('a')).toMatchObject({ source: 'l1' })
    expect(await cache.getOrLoad('a', () => 'never')).toBe(1)
    expect((await cache.getOrLoadMany(['a', 'b'], () => new Map())).size).toBe(2)
    expect(server.asked.length).toBe(before)
    expect(cache.stats().l1).toMatchObject({ entries: 2, hits: 8, misses: 0, evictions: 0 })
  })

  it('asks the node only for the keys that are not there', async () => {
    const { cache, server } = await bench({ l1: {} })
    await cache.set('a', 1)
    await cache.set('b', 2, { l1: false })
    expect([...(await cache.getMany(['b', 'a', 'c']))]).toEqual([
      ['b', 2],
      ['a', 1],
    ])
    expect(server.asked.at(-1)).toEqual({ operation: 'read', keys: ['b', 'c'] })
  })

  it('l1: false of one call reads the node and leaves L1 as it is', async () => {
    const { cache, server } = await bench({ l1: {} })
    await cache.set('key', 'old')
    await cache.set('other', 1, { l1: false })
    server.store.get('key')!.value = server.store.get('other')!.value
    await cache.get('other', { l1: false })
    expect(cache.peek('other')).toBeUndefined()
    expect(cache.peek('key')).toBe('old')
  })

  it('set with l1: false takes an older value out', async () => {
    const { cache } = await bench({ l1: {} })
    await cache.set('key', 'old')
    await cache.set('key', 'new', { l1: false })
    expect(cache.peek('key')).toBeUndefined()
    expect(await cache.get('key')).toBe('new')
  })
})

describe('the bounds', () => {
  it('by count: the least recently used one makes room', async () => {
    const made = await bench({ l1: { max: 3 } })
    const { cache } = made
    for (const key of ['a', 'b', 'c']) await cache.set(key, key)
    await cache.get('a')
    await cache.set('d', 'd')
    expect(entries(made)).toBe(3)
    expect(['a', 'b', 'c', 'd'].map((key) => cache.peek(key))).toEqual(['a', undefined, 'c', 'd'])
    expect(cache.stats().l1?.evictions).toBe(1)
  })

  it('peek does not make an entry recently used', async () => {
    const { cache } = await bench({ l1: { max: 2 } })
    await cache.set('a', 1)
    await cache.set('b', 2)
    cache.peek('a')
    await cache.set('c', 3)
    expect(cache.peek('a')).toBeUndefined()
  })

  it('by bytes, which count what is stored', async () => {
    const made = await bench({ l1: { maxBytes: 100_000 } })
    const { cache } = made
    for (let i = 0; i < 50; i++) {
      await cache.set(`key:${i}`, 'x'.repeat(10_000))
      expect(cache.stats().l1!.bytes).toBeLessThanOrEqual(100_000)
    }
    expect(entries(made)).toBe(9)
    expect(cache.peek('key:49')).toHaveLength(10_000)
  })

  it('a value larger than all of it does not enter, and takes an older one out', async () => {
    const made = await bench({ l1: { maxBytes: 5_000 } })
    const { cache } = made
    await cache.set('other', 1)
    await cache.set('key', 'small')
    await cache.set('key', 'x'.repeat(6_000))
    expect(cache.peek('key')).toBeUndefined()
    expect(cache.peek('other')).toBe(1)
    expect(await cache.get('key')).toHaveLength(6_000)
    expect(entries(made)).toBe(1)
  })
})

describe('the life of an entry', () => {
  it('is the ttl of L1', async () => {
    const { cache, clock } = await bench({ l1: { ttl: 100 }, ttl: '1h' })
    await cache.set('key', 1)
    clock.advance(99)
    expect(cache.peek('key')).toBe(1)
    clock.advance(1)
    expect(cache.peek('key')).toBeUndefined()
    expect(await cache.get('key')).toBe(1)
    expect(cache.peek('key')).toBe(1)
  })

  it('is 5 seconds unless given', async () => {
    const { cache, clock } = await bench({ l1: {} })
    await cache.set('key', 1)
    clock.advance(4_999)
    expect(cache.peek('key')).toBe(1)
    clock.advance(1)
    expect(cache.peek('key')).toBeUndefined()
  })

  it('is never longer than on its node: written, read and loaded', async () => {
    const { cache, clock } = await bench({ l1: { ttl: '1h' } })
    await cache.set('written', 1, { ttl: 100 })
    await cache.getOrLoad('loaded', () => 1, { ttl: 100 })
    await cache.set('read', 1, { ttl: 100, l1: false })
    clock.advance(60)
    await cache.get('read')
    clock.advance(39)
    for (const key of ['written', 'loaded', 'read']) expect(cache.peek(key)).toBe(1)
    clock.advance(1)
    for (const key of ['written', 'loaded', 'read']) expect(cache.peek(key)).toBeUndefined()
  })

  it('counts from when the read began, not from when its answer came', async () => {
    const { cache, clock, server } = await bench({ l1: { ttl: 100 } })
    await cache.set('key', 1, { l1: false })
    server.reads = takes(clock, 40)
    const reading = cache.get('key')
    await clock.advanceAsync(40)
    expect(await reading).toBe(1)
    clock.advance(59)
    expect(cache.peek('key')).toBe(1)
    clock.advance(1)
    expect(cache.peek('key')).toBeUndefined()
  })

  it('counts from when the write began', async () => {
    const { cache, clock, server } = await bench({ l1: { ttl: 100 } })
    server.writes = takes(clock, 99)
    const writing = cache.set('key', 1)
    await clock.advanceAsync(99)
    await writing
    expect(cache.peek('key')).toBe(1)
    clock.advance(1)
    expect(cache.peek('key')).toBeUndefined()
  })

  it('does not change when somebody sets the machine’s clock back', async () => {
    const { cache, clock } = await bench({ l1: { ttl: 100 } })
    await cache.set('key', 1)
    clock.jump(-86_400_000)
    clock.advance(100)
    expect(cache.peek('key')).toBeUndefined()
  })
})

describe('what enters', () => {
  it('admit decides by the key; all the rest works as without L1', async () => {
    const { cache, server } = await bench({ l1: { admit: (key) => key.startsWith('hot:') } })
    await cache.setMany([
      ['hot:1', 1],
      ['cold:1', 1],
    ])
    await cache.getOrLoad('cold:2', () => 2)
    await cache.get('cold:1')
    expect(['hot:1', 'cold:1', 'cold:2'].map((key) => cache.peek(key))).toEqual([1, undefined, undefined])
    expect(await cache.get('cold:2')).toBe(2)
    expect(server.asked.at(-1)).toEqual({ operation: 'read', keys: ['cold:2'] })
  })

  it('admit sees the key with its space', async () => {
    const seen = new Set<string>()
    const { cache } = await bench({ namespace: 'app', l1: { admit: (key) => seen.add(key) !== undefined } })
    await cache.space('user').set('1', 1)
    expect([...seen]).toEqual(['user:1'])
  })

  it('not a value that its node did not take', async () => {
    const { cache, server } = await bench({ l1: {} })
    await cache.set('key', 'old')
    server.all = isDown
    expect(await cache.set('key', 'new')).toEqual({ ok: false, status: 'failed' })
    expect(cache.peek('key')).toBeUndefined()
  })

  it('all keys of one large write, also those that share a stripe of the fence', async () => {
    const made = await bench({ l1: {} })
    await made.cache.setMany(Array.from({ length: 5_000 }, (_, i) => [`key:${i}`, i]))
    expect(entries(made)).toBe(5_000)
  })

  it('what a read would give, not the object that was set', async () => {
    const { cache } = await bench({ l1: {} })
    const value = { when: new Date(0) }
    await cache.set('key', value)
    expect(await cache.get('key')).toEqual({ when: '1970-01-01T00:00:00.000Z' })
    value.when = new Date(1)
    expect(await cache.get('key')).toEqual({ when: '1970-01-01T00:00:00.000Z' })
  })
})

describe('clone', () => {
  it('off: all callers share one object', async () => {
    const { cache } = await bench({ l1: {} })
    await cache.set('key', { n: 1 })
    expect(await cache.get('key')).toBe(await cache.get('key'))
  })

  it('true: every caller gets a copy of its own', async () => {
    const { cache } = await bench({ l1: { clone: true }, codec: v8Codec })
    await cache.set('key', { tags: new Set(['a']) })
    const first = await cache.get<{ tags: Set<string> }>('key')
    first!.tags.add('b')
    cache.peek<{ tags: Set<string> }>('key')!.tags.add('c')
    expect(await cache.get('key')).toEqual({ tags: new Set(['a']) })
  })

  it('a function makes the copies', async () => {
    const { cache } = await bench({ l1: { clone: (value) => ({ copyOf: value }) } })
    await cache.set('key', 1)
    expect(await cache.get('key')).toEqual({ copyOf: 1 })
    expect(await cache.get('key', { l1: false })).toBe(1)
  })
})

describe('a read that a change overtook', () => {
  async function race({ cache, server }: Bench, change: () => Promise<unknown>): Promise<unknown> {
    await cache.set('key', 'old', { l1: false })
    const answer = gate()
    server.reads = (read) => {
      const outcomes = read()
      return answer.promise.then(() => outcomes)
    }
    const reading = cache.get('key')
    await turn()
    await change()
    answer.open()
    expect(await reading).toBe('old')
    return cache.peek('key')
  }

  it.each(['delete', 'expire'] as const)('%s: does not bring the old value into L1', async (method) => {
    const made = await bench({ l1: {} })
    expect(await race(made, () => made.cache[method]('key'))).toBeUndefined()
  })

  it('set: L1 keeps the new value', async () => {
    const made = await bench({ l1: {} })
    expect(await race(made, () => made.cache.set('key', 'new'))).toBe('new')
  })

  it('control: without the fence it would', async () => {
    vi.spyOn(Fence.prototype, 'raise').mockImplementation(() => {})
    const made = await bench({ l1: {} })
    expect(await race(made, () => made.cache.delete('key'))).toBe('old')
  })

  it('a delete that is still under way keeps reads that begin during it out', async () => {
    const { cache, server } = await bench({ l1: {} })
    await cache.set('key', 'old', { l1: false })
    const removing = gate()
    server.removes = (answer) => removing.promise.then(answer)
    const deleting = cache.delete('key')
    const [asked, reading] = [gate(), gate()]
    server.reads = (answer) => {
      const outcomes = answer()
      asked.open()
      return reading.promise.then(() => outcomes)
    }
    const got = cache.get('key')
    await asked.promise
    removing.open()
    await deleting
    reading.open()
    expect(await got).toBe('old')
    expect(cache.peek('key')).toBeUndefined()
  })
})
