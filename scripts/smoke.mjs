/**
 * A smoke test of the built package, as an ES module and as CommonJS, on memory nodes: `node scripts/smoke.mjs`. Plain
 * JavaScript, so that it runs under every Node that the package supports; see smoke-nodes.mjs.
 */
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const ways = {
  ESM: (entry) => import(entry),
  CJS: (entry) => Promise.resolve(require(entry)),
}

for (const [way, load] of Object.entries(ways)) {
  const { ShardedCache, memoryNode, isCacheError } = await load('sharded-cache')
  const cache = await ShardedCache.create({ nodes: [memoryNode('a'), memoryNode('b')], l1: { max: 100 } })
  assert.equal(await cache.get('user:1'), undefined)
  assert.equal((await cache.set('user:1', { name: 'Ann' })).ok, true)
  assert.deepEqual(await cache.get('user:1'), { name: 'Ann' })
  assert.deepEqual(await cache.getOrLoad('user:2', async () => ({ name: 'Bob' })), { name: 'Bob' })
  assert.deepEqual(await cache.get('user:2'), { name: 'Bob' })
  assert.equal((await cache.delete('user:1')).ok, true)
  assert.equal(await cache.get('user:1'), undefined)
  await assert.rejects(cache.get(''), (error) => isCacheError(error) && error.code === 'ERR_KEY')
  await cache.close()
  assert.equal(typeof (await load('sharded-cache/redis')).redisNode, 'function')
  assert.equal(typeof (await load('sharded-cache/memcached')).memcachedNode, 'function')
  assert.equal(typeof (await load('sharded-cache/testing')).describeAdapter, 'function')
  console.log(`${way} works on Node ${process.versions.node}`)
}
// With the caches closed, nothing may keep the process alive.
setTimeout(() => {
  console.error('the process did not exit within a second of close()')
  process.exit(1)
}, 1000).unref()
