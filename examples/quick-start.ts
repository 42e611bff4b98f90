/** The README's quick start, on embedded nodes. */
import assert from 'node:assert/strict'
import { ShardedCache, memoryNode } from 'sharded-cache'

const cache = await ShardedCache.create({
  nodes: [memoryNode('a'), memoryNode('b'), memoryNode('c')],
  l1: { max: 10_000, ttl: '5s' },
  ttl: '5m',
})

const findUser = async (id: number) => ({ id, name: 'Ada' }) // stands for your database

const user = await cache.getOrLoad('user:1', () => findUser(1))
console.log(user.name) // Ada
assert.equal(user.name, 'Ada')

console.log(await cache.get('user:1')) // { id: 1, name: 'Ada' }
assert.deepEqual(await cache.get('user:1'), { id: 1, name: 'Ada' })

console.log(cache.explain('user:1').owner) // b
assert.equal(cache.explain('user:1').owner, 'b')

console.log(await cache.delete('user:1')) // { ok: true, status: 'deleted' }
assert.deepEqual(await cache.delete('user:1'), { ok: true, status: 'absent' })

console.log(await cache.get('user:1')) // undefined
assert.equal(await cache.get('user:1'), undefined)

await cache.close()
