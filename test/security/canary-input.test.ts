import { Client } from 'memjs'
import { describe, expect, it, vi } from 'vitest'
import { isCacheError, quote } from '../../src/base/errors.ts'
import { ShardedCache } from '../../src/cache.ts'
import { jsonCodec, v8Codec, type Codec } from '../../src/entry/codec.ts'
import { memcachedNode, type MemjsClient } from '../../src/memcached/index.ts'
import { customNode, type NodeSpec } from '../../src/node/spec.ts'
import { memoryNode } from '../../src/node/memory.ts'
import { redisNode } from '../../src/redis/index.ts'
import { collect, makeCache, rejection } from '../support/caches.ts'
import { CANARY, leaks, secret, told, VALUE, Watch } from './canary.ts'

const PASSWORD = secret('password')
const ENCODED = encodeURIComponent(PASSWORD)
const PEM = `-----BEGIN PRIVATE KEY-----\n${CANARY}\n-----END PRIVATE KEY-----\n`

/** What a call throws or rejects with; fails when it does neither. */
async function refusal(call: () => unknown): Promise<unknown> {
  return rejection((async () => call())())
}

describe('the search for secrets', () => {
  it.each<[string, unknown]>([
    ['a text', PASSWORD],
    ['a property', { deep: { er: [{ password: PASSWORD }] } }],
    ['bytes', { value: Buffer.from(PASSWORD) }],
    ['an array of bytes', new Uint8Array(Buffer.from(PASSWORD))],
    ['base64', Buffer.from(PASSWORD).toString('base64')],
    ['base64 behind one byte', Buffer.from(`x${PASSWORD}`).toString('base64')],
    ['base64 behind two bytes', Buffer.from(`xx${PASSWORD}`).toString('base64')],
    ['hex', Buffer.from(PASSWORD).toString('hex')],
    ['a cause of a cause', new Error('a', { cause: new Error('b', { cause: new Error(PASSWORD) }) })],
    ['a property of an error', Object.assign(new Error('a'), { command: { args: ['default', PASSWORD] } })],
    ['a hidden property', Object.defineProperty({}, 'x', { value: PASSWORD })],
    ['a URL', `redis://:${ENCODED}@h`],
  ])('finds it in %s', (_, thing) => {
    expect(leaks(told(thing))).not.toEqual([])
  })

  it('hears the console, the streams and warnings, and nothing where nothing is said', async () => {
    const watch = new Watch()
    console.error('one', { [CANARY]: 1 })
    process.stderr.write(`two ${CANARY}`)
    process.emitWarning(`three ${CANARY}`)
    await new Promise((resolve) => setImmediate(resolve))
    const said = watch.stop()
    for (const word of ['one', 'two', 'three']) expect(said).toContain(word)
    expect(leaks(said).length).toBeGreaterThanOrEqual(3)
    expect(leaks(new Watch().stop())).toEqual([])
  })
})

describe('bad input keeps its secrets', () => {
  const url = `redis://app:${ENCODED}@h`
  const create = (options: unknown): unknown => ShardedCache.create(options as never)
  it.each<[string, () => unknown]>([
    ['a URL as the node', () => create({ nodes: [url] })],
    ['a URL as the nodes', () => create({ nodes: url })],
    ['a URL as the options', () => create(url)],
    ['a URL as an option', () => create({ nodes: [memoryNode('a')], reads: url })],
    ['a URL as an unknown option', () => create({ nodes: [memoryNode('a')], [url]: 1 })],
    [
      'a URL as the name of an event',
      () => makeCache({ nodes: [memoryNode('a')] }).then((c) => c.on(url as never, () => {})),
    ],
    ['a URL as an unknown node', () => makeCache({ nodes: [memoryNode('a')] }).then((c) => c.removeNode(url))],
    ['a URL as the options of a node', () => redisNode('redis://h', url as never)],
    ['a URL as the replicas', () => redisNode('redis://h', { replicas: url as never })],
    ['a URL as a replica that is none', () => redisNode('redis://h', { replicas: [{ [url]: 1 } as never] })],
    ['an unknown option of a node', () => redisNode('redis://h', { [`redis://:${ENCODED}@h`]: 1 } as never)],
    ['a URL as a time', () => redisNode('redis://h', { connectTimeout: url as never })],
    ['a URL as a weight', () => redisNode('redis://h', { weight: url as never })],
    ['a URL as memcached options', () => memcachedNode('memcached://h', url as never)],
    ['a URL of another kind of server', () => memcachedNode(url)],
    ['a URL without a host', () => redisNode(`redis://app:${ENCODED}`)],
    ['a password that is no text', () => redisNode('redis://h', { password: [PASSWORD] as never })],
    ['a password without a user', () => memcachedNode('memcached://h', { password: PASSWORD })],
    ['a password twice', () => memcachedNode(`memcached://a:${ENCODED}@h`, { username: 'a', password: PASSWORD })],
    ['options for a client', () => redisNode({ getBuffer: 1 } as never, { password: PASSWORD })],
    ['settings in place of a client', () => redisNode({ host: 'h', password: PASSWORD } as never)],
    ['settings in place of a memjs client', () => memcachedNode({ servers: [{ password: PASSWORD }] } as never)],
    ['a client of two servers', () => memcachedNode(twoServers())],
    ['a password without its colon', () => redisNode(`redis://${ENCODED}@h`)],
    ['plain text and TLS', () => redisNode(`rediss://:${ENCODED}@h`, { tls: false })],
    ['a private key as the TLS options', () => redisNode('rediss://h', { tls: PEM as never })],
    ['a broken private key', () => redisNode('rediss://h', { tls: { key: PEM } })],
    ['a broken certificate', () => redisNode('rediss://h', { tls: { cert: PEM, key: PEM } })],
    ['a key of a wrong kind', () => redisNode('rediss://h', { tls: { key: { pem: PEM } as never } })],
    ['a passphrase that does not fit', () => redisNode('rediss://h', { tls: { pfx: 'x', passphrase: PASSWORD } })],
    ['an unknown option of TLS', () => redisNode('rediss://h', { tls: { pass: PASSWORD } as never })],
    ['an adapter that is none', () => customNode(url as never, { id: 'a' })],
  ])('%s', async (_, call) => {
    const error = await refusal(call)
    expect(isCacheError(error)).toBe(true)
    expect(leaks(told(error))).toEqual([])
  })

  it('and quotes the rest', () => {
    expect(quote('redis://app:secret@10.0.0.1:6379/x')).toBe('"redis://app:***@10.0.0.1:6379/x"')
    expect(quote('redis://secret@h')).toBe('"redis://***@h"')
    expect(quote('redis://app:secret')).toBe('"redis://app:***"')
    expect(quote('redis://:12345')).toBe('"redis://:***"')
    expect(quote(PEM)).toBe('"-----BEGIN…"')
    for (const plain of ['redis://h:6379/0', 'redis://[::1]:6379', 'https://h.example/@a', 'user:a@b', '10:30'])
      expect(quote(plain)).toBe(JSON.stringify(plain))
  })

  it('also of a hostile text of a megabyte, which without a bound takes longer than a test may', () => {
    for (const part of ['://', '://:', ':', '@', '-----BEGIN', '://a:1'])
      expect(quote(part.repeat(1_000_000 / part.length)).length).toBeLessThanOrEqual(80)
  })
})

describe('specs and caches show no secret', () => {
  const specs = (): NodeSpec[] => [
    redisNode(`redis://app:${ENCODED}@127.0.0.1:1`, { id: 'a', replicas: [`rediss://app:${ENCODED}@127.0.0.1:2`] }),
    redisNode('redis://127.0.0.1:1', { id: 'b', username: 'app', password: PASSWORD }),
    redisNode('rediss://127.0.0.1:1', { id: 'c', tls: { passphrase: PASSWORD, servername: 'h' } }),
    memcachedNode(`memcached://app:${ENCODED}@127.0.0.1:1`, { id: 'd' }),
    memcachedNode('memcached://127.0.0.1:1', { id: 'e', username: 'app', password: PASSWORD }),
    memcachedNode(Client.create('127.0.0.1:1', { username: 'app', password: PASSWORD }) as MemjsClient, { id: 'f' }),
  ]

  it('inspected, as JSON, or copied', async () => {
    const cache = await makeCache({ nodes: specs(), nodeTimeout: 50 })
    const space = cache.space('s', { codec: v8Codec })
    const shown = told(
      specs(),
      specs().map((spec) => ({ ...spec })),
      cache,
      space,
      cache.stats(),
      await cache.health(),
    )
    expect(leaks(shown)).toEqual([])
    expect(shown).toContain('127.0.0.1:1')
  })

  it('in the diff and the event of a change', async () => {
    const [first, ...others] = specs()
    const cache = await makeCache({ nodes: [first as NodeSpec], nodeTimeout: 50 })
    const events = collect(cache, 'topology')
    const moves = await cache.setNodes(others)
    expect(events).toHaveLength(1)
    expect(leaks(told(events, moves))).toEqual([])
  })
})

describe('values stay out of errors', () => {
  it.each<[string, Codec, unknown]>([
    ['a circle, whose properties V8 names', jsonCodec, circle()],
    ['a BigInt', jsonCodec, { [CANARY]: 1n, other: CANARY }],
    ['a function, whose text V8 repeats', v8Codec, { f: () => 'kanarie7' }],
    ['a symbol, whose name V8 repeats', v8Codec, [Symbol(CANARY)]],
    ['a promise', v8Codec, { [CANARY]: Promise.resolve(CANARY) }],
    ['undefined', v8Codec, undefined],
  ])('%s that cannot be encoded', async (_, codec, value) => {
    const cache = await makeCache({ nodes: [memoryNode('a')], codec })
    const errors = [
      await refusal(() => cache.set('key', value)),
      await refusal(() => cache.setMany([['key', value]])),
      value === undefined ? undefined : await refusal(() => cache.getOrLoad('key', () => value)),
    ]
    expect(errors[0]).toMatchObject({ code: 'ERR_VALUE' })
    expect(leaks(told(errors))).toEqual([])
  })

  it('a value that is too large', async () => {
    const cache = await makeCache({ nodes: [memoryNode('a', { maxBytes: 2_000 })] })
    const watch = new Watch()
    watch.listen(cache)
    const big = secret('value').repeat(1_000)
    expect(await watch.catch(() => cache.set('key', big))).toMatchObject({ code: 'ERR_VALUE_SIZE' })
    expect(await cache.getOrLoad('key', () => big)).toBe(big)
    expect(watch.types).toContain('dropped')
    expect(leaks(watch.stop())).toEqual([])
  })

  it('what a node has that cannot be read', async () => {
    const node = memoryNode('a')
    const writer = await makeCache({ nodes: [node], format: 'raw' })
    const cache = await makeCache({ nodes: [node], schema: fussy() })
    const watch = new Watch()
    watch.listen(cache)
    await writer.set('raw', VALUE)
    expect(await cache.get('raw')).toBeUndefined()
    await makeCache({ nodes: [node] }).then((plain) => plain.set('unfit', VALUE))
    expect(await cache.get('unfit')).toBeUndefined()
    expect(cache.stats().dropped).toMatchObject({ corrupt: 1, schema: 1 })
    expect(leaks(watch.stop() + told(cache.stats(), await cache.health()))).toEqual([])
  })

  it.each<[string, unknown]>([
    ['a text', secret('value')],
    ['a list of texts', [secret('value')]],
    ['a set', new Set([secret('value')])],
    ['an object', { a: secret('value') }],
    ['a list of rows', [{ id: 'key', name: secret('value') }]],
  ])('what a loader of many gave instead of pairs: %s', async (_, result) => {
    const cache = await makeCache({ nodes: [memoryNode('a')] })
    const error = await refusal(() => cache.getOrLoadMany(['key'], () => result as never))
    expect(error).toMatchObject({ code: 'ERR_LOADER_RESULT' })
    expect(leaks(told(error))).toEqual([])
  })

  // A loader, a codec and a schema are the application's. Its own words come back to the call that ran it, and go nowhere else.
  it.each<[string, (cache: ShardedCache) => unknown]>([
    ['a loader that throws', (cache) => cache.getOrLoad('key', () => Promise.reject(new Error(secret('value'))))],
    ['a loader of many that throws', (cache) => cache.getOrLoadMany(['key'], () => Promise.reject(secret('value')))],
    ['a codec that throws', (cache) => cache.space('s', { codec: rude() }).set('key', VALUE)],
    ['a schema with words of its own', (cache) => cache.space('s', { schema: fussy() }).getOrLoad('key', () => VALUE)],
  ])('%s is heard by its caller alone', async (_, call) => {
    const cache = await makeCache({ nodes: [memoryNode('a')], l1: {} })
    const watch = new Watch()
    watch.listen(cache)
    const error = await refusal(() => call(cache))
    expect(isCacheError(error)).toBe(true)
    expect(leaks(told(error))).not.toEqual([])
    expect(leaks(watch.stop() + told(cache, cache.stats(), await cache.health()))).toEqual([])
  })

  it('a listener, a read policy and an adapter that throw are not quoted', async () => {
    const broken = customNode(() => brokenAdapter(), { id: 'broken' })
    const cache = await makeCache({ nodes: [broken] })
    const strict = await makeCache({ nodes: [broken], onNodeError: 'throw' })
    const watch = new Watch()
    for (const each of [cache, strict]) {
      watch.listen(each)
      each.on('miss', () => {
        throw new Error(secret('value'))
      })
      await watch.catch(() => each.get('key'))
      await watch.catch(() => each.set('key', VALUE))
      await watch.catch(() => each.delete('key'))
      watch.heard.push(each.stats(), await each.health())
    }
    expect(watch.types).toContain('node-error')
    expect(leaks(watch.stop())).toEqual([])
  })
})

function circle(): unknown {
  const value: Record<string, unknown> = { [`${CANARY}Inner`]: {} }
  ;(value[`${CANARY}Inner`] as Record<string, unknown>)['back'] = value
  return value
}

function rude(): Codec {
  return {
    encode: (value) => {
      throw new RangeError(`cannot encode ${JSON.stringify(value)}`)
    },
    decode: (bytes) => bytes,
  }
}

function fussy(): { '~standard': { version: 1; vendor: string; validate: (value: unknown) => never } } {
  const validate = (value: unknown): never =>
    ({ issues: [{ message: `expected a number, received ${JSON.stringify(value)}` }] }) as never
  return { '~standard': { version: 1, vendor: 'test', validate } }
}

function twoServers(): never {
  const client = { get: vi.fn(), set: vi.fn(), delete: vi.fn(), stats: vi.fn() }
  return { ...client, servers: [{ password: PASSWORD }, { password: PASSWORD }] } as never
}

function brokenAdapter(): never {
  const fail = (): never => {
    throw new Error(secret('value'))
  }
  const limits = { maxKeyBytes: 250, maxValueBytes: 1_000_000, ttlStep: 1 }
  const parts = { address: 'broken:1', limits, powers: { info: fail }, connect: fail, reset: fail, close: fail }
  return { ...parts, read: fail, write: fail, remove: fail } as never
}
