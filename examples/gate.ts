/** A gate against keys that cannot exist: a crawler that guesses ids no longer reaches the database. */
import assert from 'node:assert/strict'
import { buildBloomFilter, memoryNode, restoreBloomFilter, ShardedCache } from 'sharded-cache'

interface Product {
  id: number
  name: string
}

const table = new Map<number, Product>() // stands for your database
for (let id = 1; id <= 50_000; id++) table.set(id, { id, name: `Product ${id}` })
let queries = 0

async function select(id: number): Promise<Product | undefined> {
  queries++
  return table.get(id)
}

async function* keys(): AsyncGenerator<string> {
  for (const id of table.keys()) yield `product:${id}`
}

const filter = await buildBloomFilter(keys(), {
  expected: table.size,
  falsePositives: 0.01,
  onProgress: (done) => done % 10_000 === 0 && console.log(`${done} of ${table.size} keys`),
})
console.log(`${filter.size} keys in ${filter.bytes} bytes`)
assert.ok(filter.bytes < 2 * table.size)

const cache = await ShardedCache.create({ nodes: ['a', 'b', 'c'].map((id) => memoryNode(id)), gate: filter })
const products = cache.space<Product>('product', { ttl: '10m' })
const find = (id: number) => products.getOrLoad(`${id}`, () => select(id))

const guesses = 20_000
for (let i = 1; i <= guesses; i++) assert.equal(await find(1_000_000 + i), undefined)
console.log(`${guesses} guesses: ${queries} queries`)
assert.ok(queries <= guesses * filter.falsePositives, 'only false positives are loaded')

for (const id of table.keys()) if (id % 100 === 0) assert.equal((await find(id))?.id, id)
console.log('no product was denied')

// A new product: its key first, then the row, so that nobody finds the row and is denied it.
filter.add('product:60000')
table.set(60_000, { id: 60_000, name: 'Brand new' })
const added = await find(60_000)
console.log(added) // { id: 60000, name: 'Brand new' }
assert.equal(added?.name, 'Brand new')

// The next start need not read the table again.
const restored = await restoreBloomFilter(filter.serialize())
assert.ok(restored.mayExist('product:60000'))
assert.equal(restored.size, filter.size)

await cache.close()
