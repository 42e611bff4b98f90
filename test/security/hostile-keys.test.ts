import { Client } from 'memjs'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { ShardedCache } from '../../src/cache.ts'
import { memcachedNode, type MemjsClient } from '../../src/memcached/index.ts'
import { memoryNode } from '../../src/node/memory.ts'
import type { NodeSpec } from '../../src/node/spec.ts'
import { makeRedisNode } from '../../src/redis/node.ts'
import { memcachedText } from '../memcached/raw.ts'
import { MAJORS } from '../redis/majors.ts'
import { collect, makeCache, rejection } from '../support/caches.ts'
import { keysOn, resetStats } from '../support/fleet.ts'
import { redisText, type TestServer } from '../support/servers.ts'
import { everyKind } from './kinds.ts'

/** Keys that somebody may choose who means no good. Each is stored and read back exactly. */
const HOSTILE: readonly string[] = [
  'a\r\nFLUSHALL\r\n',
  'a\r\nflush_all\r\n',
  'a 0 0 1\r\n1\r\nset neighbour 0 0 3\r\nbad\r\n',
  '*1\r\n$8\r\nFLUSHALL\r\n',
  '$8\r\nneighbour\r\n',
  '\x80\x08\0\0\0\0\0\0',
  '\0',
  'nul\0nul',
  '\n',
  'tab\ttab',
  ' ',
  'neighbour ',
  ' neighbour',
  'two words',
  '\u00a0',
  '\u0085',
  '\u2028\u2029',
  '\ufeff',
  '\u202eruobhgien',
  'שלום עולם',
  '\x7f',
  '\x1b[2J',
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  '__defineGetter__',
  'null',
  'undefined',
  '-1',
  '{}',
  '{}{}',
  '{',
  '}{',
  '{neighbour}',
  '{a b}c',
  `{${'t'.repeat(300)}}`,
  '*',
  '?',
  '[a-z]',
  '%00',
  '%s%n',
  '../../neighbour',
  '"\'`\\',
  '; DEL neighbour',
  '🔑',
  '🔑'.repeat(62),
  '🔑'.repeat(63),
  'é'.repeat(125),
  'é'.repeat(126),
  'e\u0301',
  '\u00e9',
  'x'.repeat(250),
  'x'.repeat(251),
  `${'x'.repeat(250)}\r\n`,
  'y'.repeat(1_000_000),
]

/** What is no key: refused before anything is sent. */
const ILLEGAL: readonly unknown[] = [
  '',
  '\ud800',
  'a\udc00b',
  '\udc00\ud800',
  `${'x'.repeat(300)}\ud83d`,
  0,
  null,
  undefined,
  true,
  Symbol('s'),
  {},
  [],
  ['neighbour'],
  Object('neighbour'),
  { toString: (): string => 'neighbour' },
  Buffer.from('neighbour'),
]

/** The commands that a Redis server may have seen from us; CONFIG is the test's own. */
const ALLOWED =
  /^(?:get|mget|set|del|info|select|auth|hello|client\|\w+|ping|quit|config\|resetstat|dbsize|evalsha|eval|getrange|setrange|pexpire|time|script\|\w+)$/

const kinds = everyKind()

function lentMemjs(): NodeSpec {
  const client = Client.create(`127.0.0.1:${kinds.memcached.port}`, { retries: 0 })
  onTestFinished(() => client.close())
  return memcachedNode(client as MemjsClient)
}

const PLACES: readonly (readonly [string, TestServer['kind'] | undefined, () => NodeSpec])[] = [
  ...MAJORS.flatMap(
    (major) =>
      [
        [`Redis, ioredis ${major.major}`, 'redis', () => makeRedisNode(major.Redis, kinds.redis.url, {})],
        [
          `a client of ioredis ${major.major}`,
          'redis',
          (): NodeSpec => {
            const client = major.client(kinds.redis.port)
            onTestFinished(() => client.disconnect())
            return makeRedisNode(major.Redis, client, {})
          },
        ],
      ] as const,
  ),
  ['memcached', 'memcached', () => memcachedNode(kinds.memcached.url)],
  ['a client of memjs', 'memcached', lentMemjs],
  ['the memory node', undefined, () => memoryNode('m')],
]

describe.each(PLACES)('hostile keys on %s', (_, kind, makeNode) => {
  const serverOf = (): TestServer | undefined => kind && kinds[kind]

  /** A cache on an empty server that holds one entry of somebody else. */
  async function start(options: object = {}): Promise<ShardedCache> {
    const server = serverOf()
    if (server?.kind === 'redis') await redisText(server.port, 'FLUSHALL')
    if (server?.kind === 'memcached') await memcachedText(server.port, 'flush_all')
    const cache = await makeCache({ nodes: [makeNode()], nodeTimeout: 2_000, onNodeError: 'throw', ...options })
    await cache.set('neighbour', 'untouched')
    if (server?.kind === 'redis') await resetStats(server)
    if (server?.kind === 'memcached') await memcachedText(server.port, 'stats reset')
    return cache
  }

  /** What the server was asked since `start`, by command. */
  async function asked(): Promise<Record<string, number>> {
    const server = serverOf()
    if (server === undefined) return {}
    if (server.kind === 'memcached') {
      const stats = await memcachedText(server.port, 'stats')
      const count = (name: string): number => Number(new RegExp(`STAT ${name} (\\d+)`).exec(stats)?.[1])
      const other = count('cmd_flush') + count('cmd_touch') + count('incr_hits') + count('incr_misses')
      const del = count('delete_hits') + count('delete_misses')
      return { set: count('cmd_set'), get: count('cmd_get'), del, other: other + count('cas_misses') }
    }
    const info = await redisText(server.port, 'INFO commandstats')
    const calls = [...info.matchAll(/cmdstat_([\w|]+):calls=(\d+),.*?rejected_calls=(\d+),failed_calls=(\d+)/g)]
    expect(calls.filter(([, name = '']) => !ALLOWED.test(name)).map(([line]) => line)).toEqual([])
    // The first EVALSHA finds a server that has not met the script.
    const wrong = calls.filter(
      ([, name, , rejected, failed]) => name !== 'evalsha' && Number(rejected) + Number(failed) > 0,
    )
    expect(wrong).toEqual([])
    const of = (name: string): number => Number(calls.find((call) => call[1] === name)?.[2] ?? 0)
    return { set: of('set'), get: of('get') + of('mget'), del: of('del'), other: of('eval') + of('evalsha') }
  }

  const sent = async (set: number, del: number, scripts = 0): Promise<void> => {
    if (!serverOf()) return
    const { other, ...rest } = await asked()
    expect(rest).toMatchObject({ set, del })
    if (scripts === 0) expect(other).toBe(0)
    else expect(other).toBeGreaterThanOrEqual(scripts)
  }

  it('come back exactly, one by one', async () => {
    const cache = await start()
    for (const key of HOSTILE) {
      expect(await cache.get(key)).toBeUndefined()
      expect(await cache.set(key, { key })).toEqual({ ok: true, status: 'stored' })
      expect(await cache.get(key)).toEqual({ key })
      expect(await cache.get('neighbour')).toBe('untouched')
    }
    for (const key of HOSTILE) expect(await cache.get(key)).toEqual({ key })
    for (const key of HOSTILE) expect(await cache.delete(key)).toEqual({ ok: true, status: 'deleted' })
    for (const key of HOSTILE) expect(await cache.delete(key)).toEqual({ ok: true, status: 'absent' })
    expect(await cache.get('neighbour')).toBe('untouched')
    await sent(HOSTILE.length, 2 * HOSTILE.length)
  })

  it('come back exactly, all at once, and through a loader', async () => {
    const cache = await start({ l1: {}, namespace: 'ns' })
    const pairs = HOSTILE.map((key): [string, string] => [key, `value of ${key.slice(0, 99)}`])
    const stored = await cache.setMany(pairs)
    expect([...stored.values()].every(({ ok }) => ok)).toBe(true)
    expect([...stored.keys()]).toEqual(HOSTILE)
    expect([...(await cache.getMany(HOSTILE, { l1: false }))]).toEqual(pairs)
    expect([...(await cache.getMany(HOSTILE))]).toEqual(pairs)
    const deleted = await cache.deleteMany(HOSTILE)
    expect([...deleted.values()].every(({ status }) => status === 'deleted')).toBe(true)
    const loaded = await cache.getOrLoadMany(HOSTILE, (missing) => {
      expect(missing).toEqual(HOSTILE)
      return pairs
    })
    expect([...loaded]).toEqual(pairs)
    expect([...(await cache.getMany(HOSTILE, { l1: false }))]).toEqual(pairs)
    expect(await cache.get('neighbour')).toBe('untouched')
    // A lease and a fill for each, by scripts that SET.
    const leases = serverOf()?.kind === 'redis' ? HOSTILE.length : 0
    await sent(2 * HOSTILE.length + leases, HOSTILE.length, 2 * leases)
    const server = serverOf()
    if (server?.kind === 'redis') expect(await keysOn(server)).toBe(HOSTILE.length + 1)
  })

  it('are names of spaces, or refused before anything is sent', async () => {
    const cache = await start()
    let stored = 0
    for (const name of [...HOSTILE, ...(ILLEGAL as string[])]) {
      let space
      try {
        space = cache.space(name)
      } catch (error) {
        expect(error).toMatchObject({ code: 'ERR_OPTION' })
        continue
      }
      expect(await space.set('key', name)).toMatchObject({ ok: true })
      expect(await space.get('key')).toBe(name)
      stored++
    }
    expect(stored).toBeGreaterThan(20)
    expect(await cache.get('neighbour')).toBe('untouched')
    await sent(stored, 0)
  })

  it('that are no keys are refused before anything is sent, and with them the calls they are part of', async () => {
    const cache = await start()
    const before = await asked()
    for (const key of ILLEGAL as string[]) {
      const calls: (() => Promise<unknown>)[] = [
        () => cache.get(key),
        () => cache.getEntry(key),
        () => cache.has(key),
        () => cache.getMany(['neighbour', key]),
        () => cache.set(key, 1),
        () =>
          cache.setMany(
            new Map([
              ['neighbour', 1],
              [key, 1],
            ]),
          ),
        () => cache.delete(key),
        () => cache.deleteMany(['neighbour', key]),
        () => cache.expire(key),
        () => cache.getOrLoad(key, () => 1),
        () => cache.getOrLoadMany(['neighbour', key], () => []),
        async () => cache.peek(key),
        async () => cache.explain(key),
      ]
      for (const call of calls) expect(await rejection(call())).toMatchObject({ name: 'KeyError', code: 'ERR_KEY' })
    }
    expect(await asked()).toEqual(before)
    expect(await cache.get('neighbour')).toBe('untouched')
  })

  it('cannot be the stored name of another key', async () => {
    const cache = await start()
    const drops = collect(cache, 'dropped')
    const long = 'secret:'.repeat(100)
    await cache.set(long, 'of the long key')
    const name = cache.explain(long).storedKey
    expect(await cache.get(name)).toBeUndefined()
    expect(await cache.getOrLoad(name, () => 'of the name')).toBe('of the name')
    expect(await cache.get(long)).not.toBe('of the name')
    expect(drops.some(({ reason }) => reason === 'wrong-key')).toBe(true)
  })
})

it('hostile namespaces are refused, or kept apart', async () => {
  const node = memoryNode('m')
  let stored = 0
  for (const namespace of HOSTILE) {
    let cache
    try {
      cache = await makeCache({ nodes: [node], namespace })
    } catch (error) {
      expect(error).toMatchObject({ code: 'ERR_OPTION' })
      continue
    }
    expect(await cache.get('key')).toBeUndefined()
    await cache.set('key', namespace)
    expect(await cache.get('key')).toBe(namespace)
    stored++
  }
  expect(stored).toBeGreaterThan(5)
})
