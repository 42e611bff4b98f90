import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { memcachedNode } from '../../src/memcached/index.ts'
import type { NodeSpec } from '../../src/node/spec.ts'
import { redisNode } from '../../src/redis/index.ts'
import { makeCache, turn } from '../support/caches.ts'
import { clientIds, memcachedStat } from '../support/fleet.ts'
import { startMemcached, startRedis, until, type TestServer } from '../support/servers.ts'

let redis: TestServer
let memcached: TestServer

beforeAll(async () => {
  ;[redis, memcached] = await Promise.all([startRedis(), startMemcached()])
})
afterAll(async () => {
  redis?.resume()
  await Promise.all([redis, memcached].map((server) => server?.stop()))
})

function standStill(ms: number): void {
  const end = performance.now() + ms
  while (performance.now() < end);
}

const nodes = (): [string, NodeSpec, () => Promise<unknown>][] => [
  ['redis', redisNode(redis.url, { id: 'a' }), () => clientIds(redis)],
  // Each look is a connection too.
  ['memcached', memcachedNode(memcached.url, { id: 'a' }), looked()],
]

function looked(): () => Promise<number> {
  let looks = 0
  return async () => (await memcachedStat(memcached.port, 'total_connections')) - looks++
}

describe('a process that stands still for longer than the node time-out', () => {
  it('keeps its connections: the servers had answered', async () => {
    for (const [kind, node, connections] of nodes()) {
      const cache = await makeCache({ nodes: [node], nodeTimeout: 100 })
      await cache.set('key', 1)
      const before = await connections()
      for (let i = 0; i < 3; i++) {
        const reading = cache.get('key')
        standStill(150)
        // What had arrived when the process went on is read before the deadline is held against it.
        expect([kind, await reading]).toEqual([kind, 1])
        // Three stalls in one turn would be longer than the client's own socketTimeout.
        await turn()
      }
      await until(async () => (await cache.get('key')) === 1)
      expect([kind, await connections()]).toEqual([kind, before])
    }
  })

  it('control: a server that really is silent costs its connection', async () => {
    const cache = await makeCache({ nodes: [redisNode(redis.url, { id: 'a' })], nodeTimeout: 100 })
    await cache.set('key', 1)
    const before = await clientIds(redis)
    redis.pause()
    expect(await cache.get('key')).toBeUndefined()
    await turn()
    redis.resume()
    await until(async () => (await cache.get('key')) === 1)
    expect(await clientIds(redis)).not.toEqual(before)
  })
})
