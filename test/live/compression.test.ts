import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sliceOf } from '../../src/base/slice.ts'
import { HEADER_BYTES, isCompressed } from '../../src/entry/envelope.ts'
import { memcachedNode } from '../../src/memcached/index.ts'
import type { NodeSpec } from '../../src/node/spec.ts'
import { redisNode } from '../../src/redis/index.ts'
import { makeCache, rejection } from '../support/caches.ts'
import { METHODS } from '../support/compression.ts'
import { foreignGet, startFleet, type Fleet } from '../support/fleet.ts'
import { startMemcached, startRedis, type TestServer } from '../support/servers.ts'

const PATIENT = { nodeTimeout: '4s' } as const

let redis: TestServer
let memcached: TestServer
let fleet: Fleet

beforeAll(async () => {
  ;[redis, memcached, fleet] = await Promise.all([startRedis(), startMemcached(), startFleet()])
})
afterAll(async () => {
  await Promise.all([redis, memcached, fleet].map((one) => one?.stop()))
})

const rows = (count: number): unknown[] =>
  Array.from({ length: count }, (_, id) => ({ id, name: `user ${id}`, note: 'ünïcödé €🔑', score: id * 1.5 }))

const kinds: readonly (readonly [string, () => TestServer, (server: TestServer) => NodeSpec])[] = [
  ['Redis', () => redis, ({ url }) => redisNode(url)],
  ['memcached', () => memcached, ({ url }) => memcachedNode(url)],
]

describe.each(kinds)('on %s', (kind, server, node) => {
  it.each(METHODS)('caches that compress with %s and caches that do not read each other', async (method) => {
    const nodes = [node(server())]
    const namespace = `${kind}-${method}`
    const on = await makeCache({ nodes, namespace, compression: { method }, ...PATIENT })
    const off = await makeCache({ nodes, namespace, ...PATIENT })
    const large = rows(500)
    const plain = HEADER_BYTES + Buffer.byteLength(JSON.stringify(large))
    await on.set('on', large)
    await off.set('off', large)
    expect(await on.getOrLoad('loaded', () => large)).toEqual(large)
    await on.set('small', 1)
    const bytes = await Promise.all(['on', 'off', 'loaded', 'small'].map((key) => foreignGet(server(), `${namespace}:${key}`))) // prettier-ignore
    expect(bytes.map((each) => isCompressed(sliceOf(each)))).toEqual([true, false, true, false])
    expect(bytes[0]?.length).toBeLessThan(plain / 2)
    expect(bytes[1]?.length).toBe(plain)
    for (const cache of [on, off]) {
      const found = await cache.getMany(['on', 'off', 'loaded', 'small'])
      expect([...found.values()]).toEqual([large, large, large, 1])
      expect(await cache.getOrLoad('on', () => 'never')).toEqual(large)
    }
    await Promise.all([on.set('on', large), on.delete('on')])
    expect(await off.get('on')).toBeUndefined()
    expect(off.stats().dropped).toEqual(on.stats().dropped)
    expect(Object.values(off.stats().dropped).every((count) => count === 0)).toBe(true)
  })
})

describe('a value of 3 MB on a memcached that takes 1 MiB', () => {
  const large = rows(44_500)

  it.each(METHODS)('is stored and read when %s makes it small enough, and refused without', async (method) => {
    expect(JSON.stringify(large).length).toBeGreaterThan(3_000_000)
    const nodes = [memcachedNode(memcached.url)]
    const cache = await makeCache({ nodes, namespace: `large-${method}`, compression: { method }, ...PATIENT })
    expect(await cache.set('set', large)).toEqual({ ok: true, status: 'stored' })
    expect(await cache.get('set')).toEqual(large)
    expect(await cache.getOrLoad('loaded', () => large)).toEqual(large)
    expect(await cache.get('loaded')).toEqual(large)
    expect(cache.stats().dropped['too-large']).toBe(0)
    const off = await makeCache({ nodes, namespace: `large-${method}`, ...PATIENT })
    expect(await off.get('set')).toEqual(large)
    expect(await rejection(off.set('set', large))).toMatchObject({ code: 'ERR_VALUE_SIZE' })
  })
})

it('a fleet of both kinds, with a replica: what one process compresses, another reads from wherever', async () => {
  const on = await makeCache({ nodes: fleet.nodes(), compression: { above: 100 }, ...PATIENT })
  const off = await makeCache({ nodes: fleet.nodes(), reads: 'prefer-replica', l1: {}, ...PATIENT })
  const values = Array.from({ length: 200 }, (_, i) => [`key:${i}`, rows(i % 50)] as const)
  const results = await on.setMany(values)
  expect([...results.values()].every(({ ok }) => ok)).toBe(true)
  const keys = values.map(([key]) => key)
  for (const cache of [off, on, off]) {
    // A replica may be behind for a moment: what it does not have yet is a miss, and asked for again.
    const found = await cache.getMany(keys)
    for (const [key, value] of values)
      expect(found.get(key) ?? (await cache.get(key, { reads: 'primary' }))).toEqual(value)
  }
  expect(off.stats().dropped.corrupt).toBe(0)
})
