import { describe, expect, it } from 'vitest'
import { bytesCodec, v8Codec } from '../../src/entry/codec.ts'
import { bench, collect, rejection, turn } from '../support/caches.ts'
import { isDown } from '../support/fake-node.ts'

const circular: Record<string, unknown> = {}
circular['self'] = circular

const BAD: [string, unknown, RegExp][] = [
  ['undefined', undefined, /^undefined stands for a miss and cannot be stored; key: "bad"/],
  ['circular', circular, /circular/],
  ['a BigInt', 10n, /BigInt/],
  ['a function', () => 'secret', /no JSON form/],
  ['a symbol', Symbol('s'), /no JSON form/],
]

describe('a value that cannot be encoded is ERR_VALUE, and nothing is sent', () => {
  it.each(BAD)('%s', async (_, value, message) => {
    const { cache, server } = await bench({ l1: {} })
    await cache.set('bad', 'old')
    const before = server.asked.length
    const error = await rejection(cache.set('bad', value))
    expect(error).toMatchObject({ code: 'ERR_VALUE', name: 'ValueError' })
    expect((error as Error).message).toMatch(message)
    expect((error as Error).message).toContain('"bad"')
    expect((error as Error).message).not.toContain('secret')
    expect(server.asked.length).toBe(before)
    expect([cache.peek('bad'), await cache.get('bad', { l1: false })]).toEqual(['old', 'old'])
  })

  it.each(BAD)('%s among others: nothing of the call is written', async (_, value) => {
    const { cache, server } = await bench()
    const entries: [string, unknown][] = [['first', 1], ['bad', value], ['last', 3]] // prettier-ignore
    expect(await rejection(cache.setMany(entries))).toMatchObject({ code: 'ERR_VALUE' })
    expect(server.asked.length).toBe(0)
  })

  it('a codec that gives no bytes is one that cannot encode', async () => {
    const { cache, server } = await bench({ codec: { encode: () => 'text' as never, decode: () => 1 } })
    expect(await rejection(cache.set('key', 1))).toMatchObject({ code: 'ERR_VALUE' })
    expect(server.asked.length).toBe(0)
  })
})

describe('a value too large for its node is ERR_VALUE_SIZE', () => {
  it('to the byte, header included', async () => {
    const { cache, server } = await bench({ codec: bytesCodec })
    server.maxValueBytes = 1_000
    expect(await cache.set('key', Buffer.alloc(944))).toMatchObject({ ok: true })
    const error = await rejection(cache.set('key', Buffer.alloc(945)))
    expect(error).toMatchObject({ code: 'ERR_VALUE_SIZE', name: 'ValueError' })
    expect((error as Error).message).toBe(
      'the value of "key" is too large: 1001 bytes, and its node takes at most 1000',
    )
  })

  it('among others: nothing of the call is written', async () => {
    const { cache, server } = await bench()
    server.maxValueBytes = 1_000
    const entries: [string, string][] = [['first', 'x'], ['large', 'x'.repeat(1_000)], ['last', 'x']] // prettier-ignore
    expect(await rejection(cache.setMany(entries))).toMatchObject({ code: 'ERR_VALUE_SIZE' })
    expect(server.asked.length).toBe(0)
  })
})

describe('what comes back corrupt is a miss, told, and removed', () => {
  const damages: [string, (bytes: Uint8Array) => Uint8Array][] = [
    ['other bytes', () => Buffer.from('{"not":"an envelope"}')],
    ['no bytes', () => new Uint8Array(0)],
    ['a header alone', (bytes) => bytes.subarray(0, 56)],
    ['cut short', (bytes) => bytes.subarray(0, -1)],
    ['a byte too many', (bytes) => Buffer.concat([bytes, Buffer.from('!')])],
    ['a future format', (bytes) => Buffer.from(bytes).fill(9, 2, 3)],
    ['a payload byte flipped', (bytes) => Buffer.from(bytes).fill(0, bytes.length - 1)],
  ]

  it.each(damages)('%s', async (_, damage) => {
    const { cache, server } = await bench({ l1: {} })
    await cache.set('key', { value: 1 }, { l1: false })
    const stored = server.store.get('key')!
    stored.value = damage(stored.value)
    const dropped = collect(cache, 'dropped')
    expect(await cache.get('key')).toBeUndefined()
    await turn()
    expect(server.store.has('key')).toBe(false)
    expect(dropped).toMatchObject([{ type: 'dropped', reason: 'corrupt', key: 'key', node: 'fake' }])
    expect(cache.stats()).toMatchObject({ misses: 1, dropped: { corrupt: 1 } })
  })

  it('whichever single byte is damaged: a miss, or the value when it was no part of it', async () => {
    const { cache, server } = await bench()
    const value = { n: 12345, text: 'a value' }
    await cache.set('key', value)
    const good = Buffer.from(server.store.get('key')!.value)
    const usable: number[] = []
    for (let at = 0; at < good.length; at++) {
      const bad = Buffer.from(good)
      bad[at] = (bad[at] as number) ^ 0x01
      server.store.set('key', { value: bad, until: Infinity })
      const read = await cache.get('key')
      if (read === undefined) continue
      expect(read).toEqual(value)
      usable.push(at)
    }
    // Freshness, version and lease, which servers change in place, lie outside the check.
    expect(usable.every((at) => at >= 32 && at < 56)).toBe(true)
  })

  it('in a load: the loader answers, and what it gave stays', async () => {
    const { cache, server } = await bench()
    server.store.set('key', { value: Buffer.from('junk'), until: Infinity })
    expect(await cache.getOrLoad('key', () => 'loaded')).toBe('loaded')
    await turn()
    expect(await cache.get('key')).toBe('loaded')
  })

  it('costs its own key only', async () => {
    const { cache, server } = await bench()
    await cache.setMany([['a', 1], ['b', 2], ['c', 3]]) // prettier-ignore
    server.store.get('b')!.value = Buffer.from('junk')
    expect([...(await cache.getMany(['a', 'b', 'c']))]).toEqual([['a', 1], ['c', 3]]) // prettier-ignore
  })

  it('a node that fails while it is removed harms nobody', async () => {
    const { cache, server } = await bench()
    server.store.set('key', { value: Buffer.from('junk'), until: Infinity })
    server.removes = isDown
    expect(await cache.get('key')).toBeUndefined()
    await turn()
  })

  it('another key’s entry is a miss, and told as such', async () => {
    const { cache, server } = await bench()
    await cache.set('other', 'of another')
    server.store.set('key', server.store.get('other')!)
    expect(await cache.get('key')).toBeUndefined()
    expect(cache.stats().dropped).toMatchObject({ 'wrong-key': 1, corrupt: 0 })
  })

  it('raw bytes that cannot be decoded are a miss and are told, but are not ours to remove', async () => {
    const { cache, server } = await bench({ format: 'raw' })
    server.store.set('key', { value: Buffer.from('{'), until: Infinity })
    expect(await cache.get('key')).toBeUndefined()
    await turn()
    expect(server.store.has('key')).toBe(true)
    expect(cache.stats().dropped.corrupt).toBe(1)
  })

  it('what another codec wrote is a miss', async () => {
    const { cache } = await bench()
    await cache.space('s', { codec: v8Codec }).set('1', new Map([['a', 1]]))
    expect(await cache.get('s:1')).toBeUndefined()
    expect(cache.stats().dropped.corrupt).toBe(1)
  })

  it('an entry from a clock that is ahead is taken as written now, and told', async () => {
    const { cache, clock } = await bench()
    clock.jump(60_000)
    await cache.set('key', 1, { ttl: '10s' })
    clock.jump(-60_000)
    expect(await cache.get('key')).toBe(1)
    expect(cache.stats().dropped['clock-skew']).toBe(1)
  })
})

describe('spaces', () => {
  it('put their name in front of the key, and see only their own keys', async () => {
    const { cache, server } = await bench({ namespace: 'app' })
    const users = cache.space<{ name: string }>('user')
    await users.set('1', { name: 'Ada' })
    expect([...server.store.keys()]).toEqual(['app:user:1'])
    expect(await users.get('1')).toEqual({ name: 'Ada' })
    expect(await cache.get('user:1')).toEqual({ name: 'Ada' })
    expect(await cache.get('1')).toBeUndefined()
    expect([...(await users.getMany(['1', '2'])).keys()]).toEqual(['1'])
    expect(users.explain('1')).toMatchObject({ key: 'user:1', storedKey: 'app:user:1' })
    expect(await users.delete('1')).toEqual({ ok: true, status: 'deleted' })
    expect(await cache.has('user:1')).toBe(false)
  })

  it('have a ttl of their own, which a call’s beats', async () => {
    const { cache, clock } = await bench({ ttl: '1h' })
    const short = cache.space('s', { ttl: 100 })
    await short.set('1', 1)
    await short.set('2', 2, { ttl: 200 })
    await cache.set('s:3', 3)
    clock.advance(100)
    expect([...(await short.getMany(['1', '2', '3'])).keys()]).toEqual(['2', '3'])
    clock.advance(100)
    expect([...(await short.getMany(['1', '2', '3'])).keys()]).toEqual(['3'])
  })

  it('have a codec of their own', async () => {
    const { cache, server } = await bench()
    const kept = cache.space<Map<string, Date>>('kept', { codec: v8Codec })
    const value = new Map([['a', new Date(1)]])
    await kept.set('1', value)
    expect(await kept.get('1')).toEqual(value)
    const bytes = cache.space<Uint8Array>('bytes', { codec: bytesCodec, format: 'raw' })
    await bytes.set('1', Buffer.from([0, 255, 13, 10]))
    expect(Buffer.from(server.store.get('bytes:1')!.value)).toEqual(Buffer.from([0, 255, 13, 10]))
    expect(await bytes.get('1')).toEqual(Buffer.from([0, 255, 13, 10]))
    expect(await rejection(bytes.set('1', 'text' as never))).toMatchObject({ code: 'ERR_VALUE' })
  })

  const schema = (asynchronous: boolean) => ({
    '~standard': {
      version: 1 as const,
      vendor: 'test',
      validate: (value: unknown) => {
        const result =
          typeof value === 'object' && value !== null && 'name' in value
            ? { value: { ...value, seen: true } }
            : { issues: [{ message: 'no name' }] }
        return asynchronous ? Promise.resolve(result) : result
      },
    },
  })

  it.each([
    ['synchronous', false],
    ['asynchronous', true],
  ])('have a schema that shapes and refuses what comes back, %s', async (_, asynchronous) => {
    const { cache } = await bench({ l1: {} })
    const users = cache.space('user', { schema: schema(asynchronous) })
    await users.set('1', { name: 'Ada' })
    expect(await users.get('1')).toEqual({ name: 'Ada', seen: true })
    expect(users.peek('1')).toEqual({ name: 'Ada', seen: true })
    await cache.set('user:2', { id: 2 }, { l1: false })
    expect(await users.get('2')).toBeUndefined()
    expect(cache.stats().dropped.schema).toBe(1)
    expect(await users.getOrLoad('2', () => ({ name: 'Bob' }))).toEqual({ name: 'Bob', seen: true })
    expect(await users.get('2')).toEqual({ name: 'Bob', seen: true })
  })

  it('that are raw store the codec’s bytes alone', async () => {
    const { cache, server } = await bench()
    const raw = cache.space('raw', { format: 'raw' })
    await raw.set('1', { a: 1 })
    expect(Buffer.from(server.store.get('raw:1')!.value).toString()).toBe('{"a":1}')
    server.store.set('raw:2', { value: Buffer.from('[1,2]'), until: Infinity })
    expect(await raw.get('2')).toEqual([1, 2])
    expect(await raw.getEntry('2')).toEqual({ value: [1, 2], state: 'fresh', source: 'fake' })
  })

  it('whose values come raw from a node do not enter L1: how long they may live there is unknown', async () => {
    const { cache, server } = await bench({ l1: {} })
    server.store.set('raw:1', { value: Buffer.from('1'), until: Infinity })
    const raw = cache.space('raw', { format: 'raw' })
    expect(await raw.get('1')).toBe(1)
    expect(raw.peek('1')).toBeUndefined()
  })
})

describe('writes', () => {
  it('of a key given twice count the last value', async () => {
    const { cache, server } = await bench()
    const results = await cache.setMany([['a', 1], ['b', 2], ['a', 3]]) // prettier-ignore
    expect([...results]).toEqual(['a', 'b'].map((key) => [key, { ok: true, status: 'stored' }]))
    expect(server.count('write')).toBe(2)
    expect(await cache.get('a')).toBe(3)
    expect(await cache.setMany(new Map([['a', 4]]))).toEqual(new Map([['a', { ok: true, status: 'stored' }]]))
    expect(await cache.setMany([])).toEqual(new Map())
  })

  it('to a node that is down say so, each for itself', async () => {
    const { cache, server } = await bench()
    await cache.set('key', 1)
    server.all = isDown
    expect(await cache.set('key', 2)).toEqual({ ok: false, status: 'failed' })
    // It will be told.
    const journaled = { ok: true, status: 'journaled' }
    expect(await cache.delete('key')).toEqual(journaled)
    expect(await cache.expire('key')).toEqual(journaled)
    expect([...(await cache.deleteMany(['a', 'b']))]).toEqual([['a', journaled], ['b', journaled]]) // prettier-ignore
    expect(await cache.get('key')).toBeUndefined()
  })

  it('to a node that is down, with a journal that is full, are failed deletes', async () => {
    const { cache, server } = await bench({ journal: { maxKeys: 1 } })
    server.all = isDown
    expect(await cache.delete('key')).toEqual({ ok: true, status: 'journaled' })
    expect(await cache.delete('key')).toEqual({ ok: true, status: 'journaled' })
    expect(await cache.delete('other')).toEqual({ ok: false, status: 'failed' })
    const both = await cache.deleteMany(['key', 'other'])
    expect([...both.values()].map(({ status }) => status)).toEqual(['journaled', 'failed'])
  })
})
