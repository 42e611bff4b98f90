/** Three memcached nodes, one of them twice as large as the others; one is killed, and every call is still answered. */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { ShardedCache } from 'sharded-cache'
import { memcachedNode } from 'sharded-cache/memcached'
import { need, startMemcached } from './support/servers.ts'

need('memcached')
const servers = await Promise.all([startMemcached(), startMemcached(), startMemcached()])
const [small, medium, large] = servers

const cache = await ShardedCache.create({
  nodes: [
    memcachedNode(small.url, { id: 'a' }),
    memcachedNode(medium.url, { id: 'b' }),
    memcachedNode(large.url, { id: 'c', weight: 2 }),
  ],
  nodeTimeout: '1s', // for batches of thousands; the default of 250 ms suits requests of a few keys
})

try {
  const sessions = cache.space<{ user: number }>('session', { ttl: '30m' })
  const keys = Array.from({ length: 4_000 }, (_, i) => `${i}`)
  const written = await sessions.setMany(keys.map((key, user) => [key, { user }]))
  assert.ok([...written.values()].every(({ ok }) => ok))

  const { nodes } = cache.stats()
  for (const { id, weight, members } of nodes) {
    const writes = members[0]?.writes ?? 0
    console.log(`node ${id}, weight ${weight}: ${writes} sessions, ${((100 * writes) / keys.length).toFixed(1)} %`)
  }
  const onLarge = nodes[2]?.members[0]?.writes ?? 0
  assert.ok(Math.abs(onLarge / keys.length - 0.5) < 0.05, 'half of the weight has about half of the keys')

  const read = await sessions.getMany(keys)
  assert.equal(read.size, keys.length)
  for (const [key, { user }] of read) assert.equal(user, Number(key))
  console.log(`${read.size} sessions read back, none wrong`)

  // memcached counts seconds; an entry of the cache carries its own times, exact to the millisecond.
  await sessions.set('short', { user: -1 }, { ttl: '50ms' })
  assert.ok(await sessions.has('short'))
  await sleep(60)
  assert.equal(await sessions.has('short'), false)

  await medium.kill()
  const lost = keys.filter((key) => sessions.explain(key).owner === 'b')
  const loaded: string[] = []
  for (let at = 0; at < keys.length; at += 100) {
    const page = keys.slice(at, at + 100)
    const found = await sessions.getOrLoadMany(page, (missing) => {
      loaded.push(...missing)
      return missing.map((key) => [key, { user: Number(key) }])
    })
    assert.deepEqual(
      [...found.values()].map(({ user }) => user),
      page.map(Number),
    )
  }
  assert.deepEqual(loaded, lost, 'exactly what was on the lost node was loaded')
  console.log(`node b killed: all ${keys.length} sessions still answered, ${loaded.length} of them by the loader`)
} finally {
  await cache.close()
  await Promise.all(servers.map((server) => server.stop()))
}
