import { serialize } from 'node:v8'
import { afterEach, describe, expect, it } from 'vitest'
import { jsonCodec, v8Codec, type Codec } from '../../src/entry/codec.ts'
import { memcachedNode } from '../../src/memcached/index.ts'
import { memoryNode } from '../../src/node/memory.ts'
import { makeRedisNode } from '../../src/redis/node.ts'
import { MAJORS } from '../redis/majors.ts'
import { makeCache, rejection } from '../support/caches.ts'
import { everyKind } from './kinds.ts'

/** JSON that turns into trouble where it is merged or assigned carelessly. */
const TEXTS = [
  '{"__proto__":{"polluted":1}}',
  '{"constructor":{"prototype":{"polluted":1}}}',
  '{"__proto__":{"toString":1,"polluted":1},"a":{"__proto__":{"polluted":1}}}',
  '[{"__proto__":{"polluted":1}},"__proto__"]',
  '{"then":1,"toJSON":2,"valueOf":3,"hasOwnProperty":4,"constructor":5}',
  '{"kind":"negative","times":{"freshUntil":9e99},"status":"entry","value":undefined}',
  '{"__proto__":null}',
  '"__proto__"',
]

const clean = Object.getOwnPropertyNames(Object.prototype).sort()
const cleanFunction = Object.getOwnPropertyNames(Function.prototype).sort()

afterEach(() => {
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  expect(Object.getOwnPropertyNames(Object.prototype).sort()).toEqual(clean)
  expect(Object.getOwnPropertyNames(Function.prototype).sort()).toEqual(cleanFunction)
})

const kinds = everyKind()

const { nodes } = kinds
const major = MAJORS[1] as (typeof MAJORS)[1]

/** A codec whose writer says what is stored, and whose reader is another codec's. */
function forged(reader: Codec): Codec {
  return { encode: (value) => value as Uint8Array, decode: (bytes) => reader.decode(bytes) }
}

describe.each(nodes)('what somebody stored on %s', (_, makeNode) => {
  it.each(['envelope', 'raw'] as const)('pollutes no prototype, format %s', async (format) => {
    const node = makeNode()
    const writer = await makeCache({ nodes: [node], format, codec: forged(jsonCodec) })
    const reader = await makeCache({ nodes: [node], format, l1: { clone: true } })
    const keys = [...TEXTS.keys()].map((i) => `text:${i}`)
    await writer.setMany(TEXTS.map((text, i): [string, unknown] => [keys[i] as string, Buffer.from(text)]))
    const many = await reader.getMany(keys)
    for (const [i, key] of keys.entries()) {
      const value = await reader.get(key)
      expect(value).toEqual(many.get(key))
      if (typeof value !== 'object' || value === null) continue
      expect([Object.prototype, Array.prototype]).toContain(Object.getPrototypeOf(value))
      expect(JSON.stringify(value)).toBe(TEXTS[i])
      await reader.set(`again:${i}`, value)
      expect(JSON.stringify(await reader.get(`again:${i}`, { l1: false }))).toBe(TEXTS[i])
    }
    // A value that JSON does not know was no value.
    expect(many.size).toBe(TEXTS.length - 1)
  })

  it('pollutes no prototype in the format of V8 either', async () => {
    const cache = await makeCache({ nodes: [makeNode()], codec: v8Codec })
    const value = JSON.parse(TEXTS[0] as string) as object
    await cache.set('v8', value)
    const back = (await cache.get('v8')) as object
    expect(Object.keys(back)).toEqual(['__proto__'])
    expect(Object.getPrototypeOf(back)).toBe(Object.prototype)
  })

  it('that looks like a promise is a value', async () => {
    const cache = await makeCache({ nodes: [makeNode()], l1: {} })
    const value: unknown = JSON.parse('{"then":"now"}')
    await cache.set('thenable', value)
    expect(await cache.get('thenable')).toEqual(value)
    expect((await cache.getMany(['thenable'])).get('thenable')).toEqual(value)
  })
})

describe('names of prototypes', () => {
  const NAMES = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty']

  it('are keys like any other, in Maps', async () => {
    const cache = await makeCache({ nodes: [memoryNode('a'), memoryNode('b')], l1: {} })
    expect((await cache.getMany(NAMES)).size).toBe(0)
    const pairs = NAMES.map((name): [string, unknown] => [name, { name }])
    expect(await cache.getOrLoadMany(NAMES, () => pairs)).toEqual(new Map(pairs))
    expect(await cache.getMany(NAMES)).toEqual(new Map(pairs))
    expect([...(await cache.deleteMany(NAMES)).keys()]).toEqual(NAMES)
    expect(await cache.getOrLoadMany(NAMES, () => new Map([['__proto__', { polluted: 1 }]]))).toEqual(
      new Map([['__proto__', { polluted: 1 }]]),
    )
    for (const name of NAMES) expect(await cache.getOrLoad(name, () => name)).not.toBeUndefined()
  })

  it('that a loader was not asked for are refused', async () => {
    const cache = await makeCache({ nodes: [memoryNode('a')] })
    const error = await rejection(cache.getOrLoadMany(['a'], () => [['__proto__', { polluted: 1 }]]))
    expect(error).toMatchObject({ code: 'ERR_LOADER_RESULT' })
    const object = await rejection(cache.getOrLoadMany(['a'], () => JSON.parse(TEXTS[0] as string) as never))
    expect(object).toMatchObject({ code: 'ERR_LOADER_RESULT' })
  })

  it('are names of nodes, zones and events like any other', async () => {
    const cache = await makeCache({ nodes: NAMES.map((name) => memoryNode(name, { zone: name })), zone: '__proto__' })
    await cache.setMany(NAMES.map((name): [string, unknown] => [name, name]))
    expect((await cache.getMany(NAMES)).size).toBe(NAMES.length)
    expect(
      cache
        .stats()
        .nodes.map(({ id }) => id)
        .sort(),
    ).toEqual([...NAMES].sort())
    expect((await cache.health()).healthy).toBe(true)
    await cache.removeNode('__proto__')
    for (const name of NAMES) expect(() => cache.on(name as never, () => {})).toThrow('unknown event')
  })

  it('are no options', async () => {
    const cache = await makeCache({ nodes: [memoryNode('a')] })
    const options = JSON.parse('{"__proto__":{"ttl":1}}') as object
    for (const call of [
      () => makeCache(Object.assign(JSON.parse('{"__proto__":{"ttl":1}}') as object, { nodes: [memoryNode('b')] })),
      () => cache.get('key', options),
      () => cache.set('key', 1, options),
      () => cache.getOrLoad('key', () => 1, options),
      async () => cache.space('s', options),
      async () => memoryNode('c', options),
      async () => makeRedisNode(major.Redis, 'redis://h', options),
      async () => makeRedisNode(major.Redis, 'rediss://h', { tls: options }),
      async () => memcachedNode('memcached://h', options),
    ])
      expect(await rejection(call())).toMatchObject({
        code: 'ERR_OPTION',
        message: expect.stringContaining('__proto__'),
      })
  })
})

describe('values that were read', () => {
  it.each(nodes)('are no window onto what is stored on %s', async (_, makeNode) => {
    const cache = await makeCache({ nodes: [makeNode()], codec: v8Codec })
    for (const value of [new Uint8Array([1, 2, 3]), { deep: [new Float64Array([1, 2])] }, Buffer.from('abc')]) {
      await cache.set('key', value)
      const first = await cache.get('key')
      for (const array of arraysIn(first)) new Uint8Array(array.buffer).fill(0xff)
      expect(await cache.get('key')).toEqual(value)
    }
  })

  it('hold no bytes of their neighbours', () => {
    const pool = Buffer.alloc(4_096, 'neighbour')
    const bytes = serialize(new Uint8Array([1, 2, 3]))
    const at = pool.subarray(512, 512 + bytes.length)
    at.set(bytes)
    const value = v8Codec.decode(at) as Uint8Array
    expect([...value]).toEqual([1, 2, 3])
    expect(Buffer.from(value.buffer).toString('latin1')).not.toContain('neighbour')
  })
})

function arraysIn(value: unknown): Uint8Array[] {
  if (ArrayBuffer.isView(value)) return [value as Uint8Array]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(arraysIn) : []
}
