/** Old values instead of waiting or errors: stale-while-revalidate, stale-if-error and a soft time-out. */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { ShardedCache, memoryNode } from 'sharded-cache'

const cache = await ShardedCache.create({ nodes: [memoryNode('a'), memoryNode('b')], ttl: '100ms' })

// The database: a price that rises with every query. It can be slow, and it can be down.
let queries = 0
let takes = 20
let down = false
async function price(): Promise<number> {
  const result = 100 + queries++
  await sleep(takes)
  if (down) throw new Error('the database is down')
  return result
}

/** Waits until an entry is out of date, and no load of it runs. */
async function outOfDate(key: string): Promise<void> {
  while (cache.stats().loads.running > 0 || (await cache.has(key))) await sleep(5)
}

try {
  const shown = cache.wrap(price, { key: () => 'shown', staleWhileRevalidate: '1m' })
  const old = await shown()
  await outOfDate('shown')
  assert.deepEqual(await Promise.all([shown(), shown(), shown()]), [old, old, old])
  while (cache.stats().loads.running > 0) await sleep(5)
  assert.equal(queries, 2)
  assert.equal(await shown(), old + 1)
  console.log(`staleWhileRevalidate: three callers got ${old} at once, one load behind them made it ${old + 1}`)

  const kept = cache.wrap(price, { key: () => 'kept', staleIfError: '1m', softTimeout: '50ms' })
  const last = await kept()
  await outOfDate('kept')
  down = true
  assert.equal(await kept(), last)
  console.log(`staleIfError: the database is down, and the caller got ${last}`)

  down = false
  takes = 400
  const start = performance.now()
  assert.equal(await kept(), last)
  const waited = performance.now() - start
  assert.ok(waited < takes, `waited ${waited} ms`)
  while (cache.stats().loads.running > 0) await sleep(5)
  const newest = 100 + queries - 1
  assert.equal(await kept(), newest)
  console.log(
    `softTimeout: ${last} after ${Math.round(waited)} ms; the load went on, and the next caller got ${newest}`,
  )

  await cache.delete('kept')
  takes = 20
  down = true
  await assert.rejects(kept(), { code: 'ERR_LOAD' })
  console.log('a deleted value is never served again, whatever fails')
} finally {
  await cache.close()
}
