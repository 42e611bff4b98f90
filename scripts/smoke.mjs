/**
 * A smoke test of the built package, as an ES module and as CommonJS, on memory nodes: `node scripts/smoke.mjs`. Plain
 * JavaScript, so that it runs under every Node that the package supports; see smoke-nodes.mjs.
 */
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import zlib from 'node:zlib'

const require = createRequire(import.meta.url)
/** Node has it since 22.15; before that, asking for it is an error. */
const HAS_ZSTD = 'zstdCompressSync' in zlib
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
  const long = 'é'.repeat(1_000)
  const compressed = cache.space('deflate', { compression: {} })
  assert.equal((await compressed.set('long', long)).ok, true)
  assert.equal(await compressed.get('long', { l1: false }), long)
  await zstd(cache, long, isCacheError)
  await cache.close()
  assert.equal(typeof (await load('sharded-cache/redis')).redisNode, 'function')
  assert.equal(typeof (await load('sharded-cache/memcached')).memcachedNode, 'function')
  assert.equal(typeof (await load('sharded-cache/testing')).describeAdapter, 'function')
  console.log(`${way} works on Node ${process.versions.node}`)
}
async function zstd(cache, value, isCacheError) {
  const space = () => cache.space('zstd', { compression: { method: 'zstd' } })
  if (!HAS_ZSTD) return assert.throws(space, (error) => isCacheError(error, 'ERR_OPTION'))
  assert.equal((await space().set('long', value)).ok, true)
  assert.equal(await space().get('long', { l1: false }), value)
}

// With the caches closed, nothing may keep the process alive.
setTimeout(() => {
  console.error('the process did not exit within a second of close()')
  process.exit(1)
}, 1000).unref()
