import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { memoryNode } from '../../src/node/memory.ts'
import { makeCache } from '../support/caches.ts'
import { FakeServer, hangs, isDown } from '../support/fake-node.ts'

const src = fileURLToPath(new URL('../../src/', import.meta.url))

/**
 * Every collection that outlives a call, and what bounds it. One that is added to the sources has to be added here, with
 * its bound. Collections inside a call are as large as what that call was given.
 */
const BOUNDS: Readonly<Record<string, string>> = {
  'base/deadlines.ts lists': 'one for each duration that is under way, and four',
  'base/events.ts listeners': 'as many as the application adds, until it takes them back',
  'base/identity.ts identities': 'weak',
  'key-log.ts keys': 'as many as it is told to remember; 100,000 unless told',
  'cluster/cluster.ts joining': 'the members of one change',
  'cluster/departed.ts objects': 'weak',
  'cluster/departed.ts texts': '1,000',
  'cluster/ejector.ts passedOver': 'one for each node',
  'cluster/ejector.ts states': 'one for each node',
  'cluster/router.ts direct': 'one for each node',
  'loading/cooldown.ts failures': '10,000',
  'loading/flight.ts background': 'one for each key that is being loaded; each ends by twice its hard time-out',
  'loading/flight.ts open': 'one for each key that is being loaded; each ends by twice its hard time-out',
  'loading/origin.ts queued': '`maxQueuedLoads`',
  'loading/origin.ts running': 'one for each loader that runs; each ends by twice its hard time-out',
  'memcached/client-adapter.ts waiting': '20,000 operations for each server',
  'memcached/connection.ts exchanges': '20,000 operations for each server',
  'memcached/protocol.ts chunks': 'one reply, at most 1 GiB by its header; dropped with its connection',
  'base/none.ts NONE': 'nothing is put into it',
  'node/calls.ts failures': '20,000 operations for each server',
  'node/memory.ts store': '`max` and `maxBytes`',
  'redis/node.ts identities': 'weak',
  'redis/waiters.ts waiting': 'one for each call of connect; each ends by `connectTimeout`',
  'shard/turn.ts open': 'eight batches of 64 keys for each node, of reads and of writes',
  'shard/journal.ts noted': '`journal.maxKeys` and `journal.maxBytes`, for each node',
  'shard/ledger.ts underWay': 'as the journal; each ends by its deadline',
  'shard/recent.ts before': '50,000 for each node, with the next one',
  'shard/recent.ts until': '50,000 for each node, with the one before',
  'testing/faulty/adapter.ts waiting': 'what a test lets hang',
  'testing/faulty/rules.ts active': 'the rules that a test sets',
  'testing/faulty/server.ts connections': 'the adapters that a test opens',
  'testing/manual-clock.ts timers': 'the timers that a test waits for',
  'tier/intake.ts trust': 'weak',
  'requests.ts frozenLoads': 'weak',
  'warm.ts underWay': '`concurrency`',
  'shard/places.ts names': 'the width of a batch',
  'shard/gathered-reads.ts readers': 'the callers that may wait for a shard',
  'shard/distinct.ts given': 'the callers that may wait for a shard',
  'shard/distinct.ts marks': 'the callers that may wait for a shard',
  'shard/distinct.ts at': 'the callers that may wait for a shard',
  'shard/gathered-writes.ts items': 'the width of a batch',
  'shard/gathered-writes.ts writers': 'the width of a batch',
  'redis/reader.ts reading': 'weak',
  'redis/reader.ts parts': 'one value, at most 512 MiB by its length; dropped with its connection',
  'redis/row.ts replies': 'the width of a batch',
  'tier/l1.ts slots': '`l1.max` and `l1.maxBytes`',
}

/** The fields, and the constants of modules and factories, that hold a collection which can grow, as `file name`. */
function collections(): string[] {
  const grows = String.raw`(?:new (?:Map|Set|WeakMap|WeakSet|LRUCache)\b|(?:\[\]|NONE)$)`
  const field = new RegExp(String.raw`^  (?:private |static |readonly )*#?(\w+)(?:: [^=]+)? = ${grows}`)
  const constant = new RegExp(String.raw`^(?:export )?(?:const|let) (\w+)(?:: [^=]+)? = ${grows}`)
  const held = /(?:this\.#|const )(\w+) = new LRUCache/
  return readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) =>
      readFileSync(src + file, 'utf8')
        .split('\n')
        .map(
          (line) =>
            (held.exec(line) ??
              (/: Readonly(?:Set|Map|<)/.test(line) ? null : (field.exec(line) ?? constant.exec(line))))?.[1],
        )
        .filter((name) => name !== undefined)
        .map((name) => `${file.replaceAll('\\', '/')} ${name}`),
    )
}

it('every collection that outlives a call has a bound that is written down', () => {
  const found = collections()
  expect(found.length).toBeGreaterThan(15)
  expect(found.filter((name) => BOUNDS[name] === undefined)).toEqual([])
})

it('a crowd of keys, times and listeners leaves no more behind than it may', async () => {
  const cache = await makeCache({ nodes: [memoryNode('a', { max: 100 })], l1: { max: 50 }, nodeTimeout: 2_000 })
  for (let round = 0; round < 20; round++) {
    const keys = Array.from({ length: 500 }, (_, i) => `key:${round}:${i}`)
    const off = cache.on('hit', () => {})
    await Promise.all(keys.map((key, i) => cache.getOrLoad(key, () => key, { timeout: 1_000 + round * 500 + i })))
    await Promise.all(keys.map((key) => cache.space(key).getOrLoad('x', () => key)))
    await cache.deleteMany(keys)
    off()
  }
  const { l1, loads } = cache.stats()
  expect(loads).toMatchObject({ started: 20_000, running: 0 })
  expect(l1?.entries).toBeLessThanOrEqual(50)
  expect((await cache.health()).totalKeys).toBeLessThanOrEqual(100)
})

it('a node that hangs holds at most 20,000 operations', async () => {
  const server = new FakeServer('hung')
  const cache = await makeCache({ nodes: [server.node()], nodeTimeout: 100 })
  server.all = hangs
  // In one turn, before the first deadline passes.
  const calls = Array.from({ length: 25_000 }, (_, i) => cache.get(`key:${i}`))
  await Promise.all(calls)
  const keys = server.asked.filter(({ operation }) => operation === 'read').flatMap((one) => one.keys)
  expect(keys.length).toBeLessThanOrEqual(20_000)
  expect(keys.length).toBeGreaterThan(10_000)
})

it('a node that is away has at most so many deletes noted for it', async () => {
  const server = new FakeServer('away')
  const cache = await makeCache({ nodes: [server.node()], journal: { maxKeys: 100 } })
  server.all = isDown
  for (let round = 0; round < 10; round++)
    await cache.deleteMany(Array.from({ length: 100 }, (_, i) => `key:${round}:${i}`))
  expect(cache.stats().nodes[0]?.journal).toMatchObject({ keys: 100, added: 100, overflowed: 900 })
})
