import { describe, expect, it } from 'vitest'
import { ShardedCache } from '../../src/cache.ts'
import { isCacheError } from '../../src/base/errors.ts'
import { memcachedNode } from '../../src/memcached/index.ts'
import { memoryNode } from '../../src/node/memory.ts'
import { customNode, type NodeSpec } from '../../src/node/spec.ts'
import type { CacheOptions } from '../../src/options.ts'
import { redisNode } from '../../src/redis/index.ts'
import { bench, makeCache, rejection } from '../support/caches.ts'
import { FakeServer } from '../support/fake-node.ts'

const never = (): never => {
  throw new Error('the loader must not be called')
}

type Call = (cache: ShardedCache, given: never) => Promise<unknown>
const BY_KEY: [string, Call][] = [
  ['get', (cache, key) => cache.get(key)],
  ['getMany', (cache, key) => cache.getMany(['fine', key])],
  ['getEntry', (cache, key) => cache.getEntry(key)],
  ['has', (cache, key) => cache.has(key)],
  ['set', (cache, key) => cache.set(key, 1)],
  ['setMany', (cache, key) => cache.setMany([['fine', 1], [key, 1]])], // prettier-ignore
  ['delete', (cache, key) => cache.delete(key)],
  ['deleteMany', (cache, key) => cache.deleteMany(['fine', key])],
  ['expire', (cache, key) => cache.expire(key)],
  ['getOrLoad', (cache, key) => cache.getOrLoad(key, never)],
  ['getOrLoadMany', (cache, key) => cache.getOrLoadMany(['fine', key], never)],
  ['the get of a space', (cache, key) => cache.space('s').get(key)],
  ['wrap', (cache, key) => cache.wrap(never, { key: () => key })()],
  ['the invalidate of wrap', (cache, key) => cache.wrap(never, { key: () => key }).invalidate()],
]

describe('a key that cannot be one is ERR_KEY, and nothing is sent', () => {
  const keys: [string, unknown][] = [
    ['empty', ''],
    ['a number', 5],
    ['undefined', undefined],
    ['null', null],
    ['an object', { toString: () => 'key' }],
    ['a symbol', Symbol('key')],
    ['a lone high surrogate', 'a\ud800'],
    ['a lone low surrogate', '\udc00b'],
  ]
  it.each(keys.flatMap(([what, key]) => BY_KEY.map(([name, call]) => [what, name, key, call] as const)))(
    '%s, to %s',
    async (_, name, key, call) => {
      const { cache, server } = await bench({ l1: {} })
      const error = await rejection(call(cache, key as never))
      expect(error).toMatchObject({ code: 'ERR_KEY', name: 'KeyError' })
      expect([name, server.asked.length, cache.stats().loads.started]).toEqual([name, 0, 0])
    },
  )
})

describe('any other key works, and is its own', () => {
  it.each([
    ['10 kB', 'k'.repeat(10_000)],
    ['CR LF', 'key\r\nflush_all'],
    ['a blank', 'key with blanks'],
    ['NUL', 'key\0'],
    ['__proto__', '__proto__'],
    ['constructor', 'constructor'],
    ['an emoji', '🔑'],
    ['251 bytes', 'k'.repeat(251)],
    ['250 bytes', 'k'.repeat(250)],
    ['126 umlauts', 'ü'.repeat(126)],
    ['braces', '{}{a}b'],
    ['a line separator', 'a\u2028b'],
  ])('%s', async (_, key) => {
    const servers = ['a', 'b', 'c'].map((id) => new FakeServer(id))
    const cache = await makeCache({ nodes: servers.map((server) => server.node()), l1: {} })
    expect(await cache.set(key, { key })).toEqual({ ok: true, status: 'stored' })
    for (const neighbour of [`${key}x`, key.trim() + 'y', 'key'])
      if (neighbour !== key) expect(await cache.has(neighbour)).toBe(false)
    expect(await cache.get(key, { l1: false })).toEqual({ key })
    expect([...(await cache.getMany([key]))]).toEqual([[key, { key }]])
    expect([...(await cache.getOrLoadMany([key], never))]).toEqual([[key, { key }]])
    const [stored] = servers.flatMap(({ store }) => [...store.keys()])
    expect(stored).toBe(cache.explain(key).storedKey)
    expect(Buffer.byteLength(stored!)).toBeLessThanOrEqual(250)
    expect(stored).not.toMatch(/[\s\p{Cc}]/u)
    expect([...(await cache.deleteMany([key]))]).toEqual([[key, { ok: true, status: 'deleted' }]])
    expect([...(await cache.setMany([[key, 1]])).keys()]).toEqual([key])
  })
})

const DURATIONS: [string, unknown][] = [
  ['NaN', Number.NaN],
  ['negative', -1],
  ['zero', 0],
  ['Infinity', Infinity],
  ["'abc'", 'abc'],
  ["'-5s'", '-5s'],
  ["'0ms'", '0ms'],
  ["''", ''],
  ['null', null],
  ['true', true],
  ['more than a hundred years', 1e15],
]

describe('a duration that is none is ERR_OPTION, and nothing is sent', () => {
  const calls: [string, Call][] = [
    ['ttl of set', (cache, ttl) => cache.set('key', 1, { ttl })],
    ['ttl of setMany', (cache, ttl) => cache.setMany([['key', 1]], { ttl })],
    ['ttl of getOrLoad', (cache, ttl) => cache.getOrLoad('key', never, { ttl })],
    ['negativeTtl', (cache, negativeTtl) => cache.getOrLoad('key', never, { negativeTtl })],
    ['hardTimeout', (cache, hardTimeout) => cache.getOrLoadMany(['key'], never, { hardTimeout })],
    ['timeout of get', (cache, timeout) => cache.get('key', { timeout })],
    ['timeout of delete', (cache, timeout) => cache.delete('key', { timeout })],
    ['ttl of wrap', (cache, ttl) => cache.wrap(never, { key: () => 'key', ttl })()],
    ['ttl of a space', async (cache, ttl) => cache.space('s', { ttl })],
    ['staleWhileRevalidate', (cache, given) => cache.getOrLoad('key', never, { staleWhileRevalidate: given })],
    ['staleIfError', async (cache, given) => cache.space('s', { staleIfError: given })],
    ['retryAfterError', (cache, given) => cache.getOrLoadMany(['key'], never, { retryAfterError: given })],
    ['softTimeout', (cache, given) => cache.wrap(never, { key: () => 'key', softTimeout: given })()],
    ['lease', (_, lease) => makeCache({ nodes: [new FakeServer().node()], lease })],
    ['ttl of create', (_, ttl) => makeCache({ nodes: [new FakeServer().node()], ttl })],
    ['nodeTimeout', (_, nodeTimeout) => makeCache({ nodes: [new FakeServer().node()], nodeTimeout })],
    ['ttl of l1', (_, ttl) => makeCache({ nodes: [new FakeServer().node()], l1: { ttl } })],
  ]
  // 0 switches these off, where the cache or the space has them.
  const mayBeNone = ['staleWhileRevalidate', 'staleIfError', 'retryAfterError']
  const rows = DURATIONS.flatMap(([what, given]) => calls.map(([name, call]) => [name, what, given, call] as const))
  it.each(rows.filter(([name, , given]) => given !== 0 || !mayBeNone.includes(name)))(
    '%s: %s',
    async (_, what, given, call) => {
      const { cache, server } = await bench()
      expect(await rejection(call(cache, given as never))).toMatchObject({ code: 'ERR_OPTION', name: 'OptionError' })
      expect([what, server.asked.length]).toEqual([what, 0])
    },
  )
})

describe('an option that nobody knows, or of the wrong kind, is ERR_OPTION, quoted', () => {
  const calls: [string, (cache: ShardedCache, node: NodeSpec) => unknown, string][] = [
    ['get', (c) => c.get('k', { tll: 5 } as never), 'has no option "tll"'],
    ['get, ttl', (c) => c.get('k', { ttl: 5 } as never), 'has no option "ttl"'],
    ['set', (c) => c.set('k', 1, { reads: 'primary' } as never), 'has no option "reads"'],
    ['set, null', (c) => c.set('k', 1, null as never), 'must be an object; given: null'],
    ['set, a number for options', (c) => c.set('k', 1, 60 as never), 'must be an object; given: 60'],
    ['delete', (c) => c.delete('k', { l1: false } as never), 'has no option "l1"'],
    ['deleteMany', (c) => c.deleteMany(['k'], { force: true } as never), 'has no option "force"'],
    ['getOrLoad', (c) => c.getOrLoad('k', never, { swr: '1m' } as never), 'has no option "swr"'],
    ['getOrLoad, cache', (c) => c.getOrLoad('k', never, { cache: 'no' as never }), 'given: "no"'],
    ['getOrLoadMany', (c) => c.getOrLoadMany(['k'], never, [] as never), 'must be an object'],
    [
      'getOrLoad, jitter',
      (c) => c.getOrLoad('k', never, { jitter: 1.1 }),
      'jitter must be a number from 0 to 1; given: 1.1',
    ],
    ['getOrLoad, jitter, text', (c) => c.getOrLoad('k', never, { jitter: '0.1' as never }), 'given: "0.1"'],
    ['space, jitter', (c) => c.space('s', { jitter: -0.1 }), 'given: -0.1'],
    [
      'getOrLoad, earlyRefresh',
      (c) => c.getOrLoad('k', never, { earlyRefresh: Number.NaN }),
      'earlyRefresh must be a number',
    ],
    [
      'wrap, earlyRefresh',
      (c) => c.wrap(never, { key: () => 'k', earlyRefresh: Infinity })(),
      'from 0 to 1000; given: Infinity',
    ],
    ['getOrLoad, gate', (c) => c.getOrLoad('k', never, { gate: {} } as never), 'has no option "gate"'],
    ['set, staleIfError', (c) => c.set('k', 1, { staleIfError: 5 } as never), 'has no option "staleIfError"'],
    ['reads', (c) => c.get('k', { reads: 'replicas' as never }), 'given: "replicas"'],
    ['l1', (c) => c.get('k', { l1: 'no' as never }), 'l1 must be true or false; given: "no"'],
    ['signal', (c) => c.get('k', { signal: 'no' as never }), 'signal must be an AbortSignal; given: "no"'],
    ['space', (c) => c.space('s', { prefix: 'x' } as never), 'has no option "prefix"'],
    ['space, name', (c) => c.space(''), 'the name of a space'],
    ['space, codec', (c) => c.space('s', { codec: {} as never }), 'codec must have encode and decode'],
    ['space, schema', (c) => c.space('s', { schema: {} as never }), 'schema must be a Standard Schema'],
    ['space, format', (c) => c.space('s', { format: 'json' as never }), 'given: "json"'],
    ['wrap', (c) => c.wrap(never, { key: () => 'k', cache: 'use' } as never), 'has no option "cache"'],
    ['wrap, no key', (c) => c.wrap(never, {} as never), 'wrap options.key must be a function'],
    ['wrap, no options', (c) => c.wrap(never, undefined as never), 'wrap options must be an object'],
    ['wrap, no function', (c) => c.wrap(5 as never, { key: () => 'k' }), 'the function to wrap'],
    ['getOrLoad, no loader', (c) => c.getOrLoad('k', undefined as never), 'the loader must be a function'],
    ['getOrLoadMany, no loader', (c) => c.getOrLoadMany(['k'], {} as never), 'the loader must be a function'],
    ['getMany, a string', (c) => c.getMany('user:1'), 'keys must be an array or another iterable; given: "user:1"'],
    ['getMany, nothing', (c) => c.getMany(undefined as never), 'keys must be an array'],
    ['deleteMany, a string', (c) => c.deleteMany('user:1'), 'keys must be an array'],
    ['getOrLoadMany, a string', (c) => c.getOrLoadMany('user:1', never), 'keys must be an array'],
    ['setMany, nothing', (c) => c.setMany(undefined as never), 'entries must be an array'],
    ['setMany, an object', (c) => c.setMany({ a: 1 } as never), 'entries must be an array'],
    ['setMany, keys alone', (c) => c.setMany(['key'] as never), 'entries must be [key, value] pairs'],
    ['setMany, triples', (c) => c.setMany([['a', 1, 2]] as never), 'entries must be [key, value] pairs'],
    ['on', (c) => c.on('hits' as never, () => {}), 'unknown event "hits"'],
    ['on, no listener', (c) => c.on('hit', undefined as never), 'a listener must be a function'],
    ['removeNode', (c) => c.removeNode('x'), 'there is no node "x"; there are: fake'],
    ['reweight', (c) => c.reweight('x', 1), 'there is no node "x"'],
    ['reweight, zero', (c) => c.reweight('fake', 0), 'given: 0'],
    ['reweight, NaN', (c) => c.reweight('fake', Number.NaN), 'given: NaN'],
    ['setNodes', (c) => c.setNodes(5 as never), 'nodes must be an array; given: 5'],
    ['addNode', (c) => c.addNode({ id: 'x' } as never), 'must come from redisNode'],
  ]
  it.each(calls)('%s', async (_, call, message) => {
    const { cache, server } = await bench()
    const error = await rejection((async () => call(cache, server.node()))())
    expect(isCacheError(error)).toBe(true)
    expect((error as { code: string }).code).toMatch(/^ERR_(OPTION|UNKNOWN_NODE)$/)
    expect((error as Error).message).toContain(message)
    expect(server.asked.length).toBe(0)
  })

  const node = (): NodeSpec => memoryNode('a')
  const creations: [string, unknown, string, string][] = [
    ['no nodes', { nodes: [] }, 'ERR_NO_NODES', 'at least one node'],
    ['nodes left out', {}, 'ERR_OPTION', 'nodes must be an array; given: undefined'],
    ['nodes not an array', { nodes: node() }, 'ERR_OPTION', 'nodes must be an array'],
    ['a node that is a URL', { nodes: ['redis://127.0.0.1'] }, 'ERR_OPTION', 'nodes[0] must come from redisNode'],
    ['a node that is null', { nodes: [null] }, 'ERR_OPTION', 'nodes[0] must come from'],
    ['two nodes with one id', { nodes: [node(), memoryNode('b'), node()] }, 'ERR_DUPLICATE_ID', '"a"'],
    ['an unknown option', { nodes: [node()], shards: 5 }, 'ERR_OPTION', 'has no option "shards"'],
    ['an unknown option of l1', { nodes: [node()], l1: { size: 5 } }, 'ERR_OPTION', 'has no option "size"'],
    ['l1: true', { nodes: [node()], l1: true }, 'ERR_OPTION', 'l1 must be an object; given: true'],
    ['l1.max', { nodes: [node()], l1: { max: 0 } }, 'ERR_OPTION', 'l1.max'],
    ['l1.admit', { nodes: [node()], l1: { admit: 'x' } }, 'ERR_OPTION', 'l1.admit must be a function'],
    ['l1.clone', { nodes: [node()], l1: { clone: 'x' } }, 'ERR_OPTION', 'l1.clone'],
    ['points', { nodes: [node()], points: 1.5 }, 'ERR_OPTION', 'points must be a whole number'],
    ['namespace', { nodes: [node()], namespace: 'a b' }, 'ERR_OPTION', 'namespace'],
    ['zone', { nodes: [node()], zone: '' }, 'ERR_OPTION', 'zone'],
    ['reads', { nodes: [node()], reads: 'any' }, 'ERR_OPTION', 'given: "any"'],
    ['retries', { nodes: [node()], retries: -1 }, 'ERR_OPTION', 'retries'],
    ['retries, a fraction', { nodes: [node()], retries: 0.5 }, 'ERR_OPTION', 'retries'],
    ['retries beyond ten', { nodes: [node()], retries: 11 }, 'ERR_OPTION', 'at most 10; given: 11'],
    ['eject', { nodes: [node()], eject: 'yes' }, 'ERR_OPTION', 'eject'],
    ['journal', { nodes: [node()], journal: false }, 'ERR_OPTION', 'journal must be an object; given: false'],
    ['journal.maxKeys', { nodes: [node()], journal: { maxKeys: 0 } }, 'ERR_OPTION', 'journal.maxKeys'],
    ['journal.maxBytes', { nodes: [node()], journal: { maxBytes: Infinity } }, 'ERR_OPTION', 'journal.maxBytes'],
    ['an unknown option of journal', { nodes: [node()], journal: { ttl: 5 } }, 'ERR_OPTION', 'has no option "ttl"'],
    ['maxConcurrentLoads', { nodes: [node()], maxConcurrentLoads: 0 }, 'ERR_OPTION', 'maxConcurrentLoads'],
    [
      'maxConcurrentLoads, Infinity',
      { nodes: [node()], maxConcurrentLoads: Infinity },
      'ERR_OPTION',
      'given: Infinity',
    ],
    ['maxQueuedLoads', { nodes: [node()], maxQueuedLoads: 1.5 }, 'ERR_OPTION', 'maxQueuedLoads'],
    ['jitter', { nodes: [node()], jitter: 2 }, 'ERR_OPTION', 'jitter must be a number from 0 to 1; given: 2'],
    ['earlyRefresh', { nodes: [node()], earlyRefresh: -1 }, 'ERR_OPTION', 'earlyRefresh'],
    ['gate', { nodes: [node()], gate: () => true }, 'ERR_OPTION', 'gate must be an object with a function mayExist'],
    [
      'gate, a promise',
      { nodes: [node()], gate: Promise.resolve({}) },
      'ERR_OPTION',
      'a promise of one; await it first',
    ],
    ['gate, null', { nodes: [node()], gate: null }, 'ERR_OPTION', 'gate'],
    ['onNodeError', { nodes: [node()], onNodeError: 'ignore' }, 'ERR_OPTION', 'given: "ignore"'],
    ['clock', { nodes: [node()], clock: {} }, 'ERR_OPTION', 'clock must have now'],
    ['random', { nodes: [node()], random: 5 }, 'ERR_OPTION', 'random must be a function'],
    ['no options', undefined, 'ERR_OPTION', 'the options of create must be an object; given: undefined'],
    ['options that are an array', [node()], 'ERR_OPTION', 'must be an object; given: an array of 1'],
  ]
  it.each(creations)('create: %s', async (_, options, code, message) => {
    const error = await rejection(ShardedCache.create(options as CacheOptions))
    expect(error).toMatchObject({ code, name: 'OptionError' })
    expect((error as Error).message).toContain(message)
  })

  const specs: [string, () => NodeSpec, string][] = [
    ['redis, scheme', () => redisNode('http://127.0.0.1'), 'ERR_URL'],
    ['redis, option in the URL', () => redisNode('redis://127.0.0.1?maxRetriesPerRequest=0'), 'ERR_URL'],
    ['redis, option', () => redisNode('redis://127.0.0.1', { retries: 5 } as never), 'ERR_OPTION'],
    ['memcached, scheme', () => memcachedNode('redis://127.0.0.1'), 'ERR_URL'],
    ['memcached, option in the URL', () => memcachedNode('memcached://127.0.0.1?retries=0'), 'ERR_URL'],
    ['memcached, option', () => memcachedNode('memcached://127.0.0.1', { retries: 5 } as never), 'ERR_OPTION'],
    ['memory, option', () => memoryNode('a', { size: 5 } as never), 'ERR_OPTION'],
    ['memory, id', () => memoryNode(''), 'ERR_OPTION'],
    ['memory, weight', () => memoryNode('a', { weight: -1 }), 'ERR_OPTION'],
    ['memory, weight NaN', () => memoryNode('a', { weight: Number.NaN }), 'ERR_OPTION'],
    ['custom, option', () => customNode(never, { id: 'a', retries: 5 } as never), 'ERR_OPTION'],
    ['custom, no adapter', () => customNode(undefined as never, { id: 'a' }), 'ERR_OPTION'],
    ['custom, no id', () => customNode(never, {} as never), 'ERR_OPTION'],
  ]
  it.each(specs)('a node: %s', (_, make, code) => {
    expect(make).toThrow(expect.objectContaining({ code, name: 'OptionError' }))
  })
})
