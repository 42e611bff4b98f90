/** Three Redis nodes, two of them with a replica: who answers reads under each policy, counted by the servers themselves. */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { ShardedCache, type ReadPolicy } from 'sharded-cache'
import { redisNode } from 'sharded-cache/redis'
import { ask, need, startRedis, startReplica, type TestServer } from './support/servers.ts'

need('redis-server')
const [a, b, c] = await Promise.all([startRedis(), startRedis(), startRedis()])
const [a2, b2] = await Promise.all([startReplica(a), startReplica(b)])
const servers = { a, 'a, replica': a2, b, 'b, replica': b2, c }

const cache = await ShardedCache.create({
  zone: 'east',
  nodes: [
    redisNode(a.url, { id: 'a', zone: 'west', replicas: [{ url: a2.url, zone: 'east' }] }),
    redisNode(b.url, { id: 'b', zone: 'east', replicas: [{ url: b2.url, zone: 'west' }] }),
    redisNode(c.url, { id: 'c', zone: 'west' }),
  ],
  // Generous: a member that is slow to answer would be passed over, and this is about who is asked first.
  nodeTimeout: '2s',
})
const keys = Array.from({ length: 600 }, (_, i) => `article:${i}`)

type Counts = Record<keyof typeof servers, number>

/** Reads every key once and lets the servers say how many reads each of them answered. */
async function readAll(reads: ReadPolicy): Promise<Counts> {
  await Promise.all(Object.values(servers).map((server) => ask(server, 'CONFIG RESETSTAT')))
  for (const key of keys) assert.equal(await cache.get(key, { reads }), `the text of ${key}`)
  const counts = {} as Counts
  for (const [name, server] of Object.entries(servers) as [keyof Counts, TestServer][]) {
    const stats = await ask(server, 'INFO commandstats')
    counts[name] = Number(/cmdstat_m?get:calls=(\d+)/.exec(stats)?.[1] ?? 0)
  }
  return counts
}

try {
  await cache.setMany(keys.map((key) => [key, `the text of ${key}`]))
  // Replication is asynchronous: a replica may miss what was written a moment ago. Here we wait until none is behind.
  const behind = async (): Promise<boolean> =>
    (await cache.health()).nodes.some(({ replicas }) => replicas.some(({ lagBytes }) => lagBytes !== 0))
  while (await behind()) await sleep(10)
  // And for a second after its own write, a process reads a key from the primary whatever the policy says.
  await sleep(1_100)

  const policies = ['primary', 'prefer-primary', 'replica', 'prefer-replica', 'nearest'] as const
  const table: Record<string, Counts> = {}
  for (const policy of policies) table[policy] = await readAll(policy)
  console.log(`${keys.length} reads under each policy, by INFO commandstats:`)
  console.table(table)

  for (const policy of ['primary', 'prefer-primary'] as const) {
    assert.equal(table[policy]?.['a, replica'], 0)
    assert.equal(table[policy]?.['b, replica'], 0)
  }
  for (const policy of ['replica', 'prefer-replica'] as const) {
    assert.equal(table[policy]?.a, 0, 'the primary of a node with a replica is left alone')
    assert.equal(table[policy]?.b, 0)
    assert.ok((table[policy]?.c ?? 0) > 0, 'a node without replicas is read from its primary')
  }
  const near = table['nearest'] as Counts
  // A read in fifty goes to another member than the best one, to notice when that has become the better one.
  assert.ok(near['a, replica'] > 5 * near.a, 'the member in the zone of this process is asked first')
  assert.ok(near.b > 5 * near['b, replica'])

  await Promise.all([a2.kill(), b.kill()])
  const lost = async (reads: ReadPolicy): Promise<number> => keys.length - (await cache.getMany(keys, { reads })).size
  const misses = { replica: await lost('replica'), 'prefer-replica': await lost('prefer-replica') }
  console.log('With the replica of a and the primary of b killed, misses:', misses)
  assert.ok(misses.replica > 0, 'strictly replicas: the keys of a are misses now')
  assert.equal(misses['prefer-replica'], 0, 'preferably replicas: the primary of a and the replica of b answer')
} finally {
  await cache.close()
  await Promise.all(Object.values(servers).map((server) => server.stop()))
}
