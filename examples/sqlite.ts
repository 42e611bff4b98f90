/** Cache-aside around a real SQLite database (sql.js, in WebAssembly): reads go through the cache, writes invalidate. */
import assert from 'node:assert/strict'
import initSqlJs, { type Database } from 'sql.js'
import { memoryNode, ShardedCache, type Space } from 'sharded-cache'

interface Book {
  id: number
  title: string
  stock: number
}

/** Books as the application sees them. Nothing outside knows that there is a cache. */
class Books {
  /** Statements that reached SQLite. */
  queries = 0
  readonly #db: Database
  readonly #cache: Space<Book>

  constructor(db: Database, cache: ShardedCache) {
    this.#db = db
    // "There is no such book" is worth remembering too, but not for long.
    this.#cache = cache.space<Book>('book', { ttl: '10m', negativeTtl: '30s' })
  }

  find(id: number): Promise<Book | undefined> {
    return this.#cache.getOrLoad(`${id}`, () => this.#select([id])[0])
  }

  findMany(ids: readonly number[]): Promise<Map<string, Book>> {
    return this.#cache.getOrLoadMany(
      ids.map((id) => `${id}`),
      (missing) => this.#select(missing.map(Number)).map((book) => [`${book.id}`, book]),
    )
  }

  async sell(id: number, copies: number): Promise<void> {
    this.queries++
    this.#db.run('UPDATE book SET stock = stock - ? WHERE id = ?', [copies, id])
    // After the write has been committed, and before anybody is told: a load that began earlier then caches nothing.
    await this.#cache.delete(`${id}`)
  }

  #select(ids: number[]): Book[] {
    this.queries++
    const statement = this.#db.prepare(`SELECT * FROM book WHERE id IN (${ids.map(() => '?').join(', ')})`, ids)
    const books: Book[] = []
    while (statement.step()) books.push(statement.getAsObject() as unknown as Book)
    statement.free()
    return books
  }
}

const SQL = await initSqlJs()
const db = new SQL.Database()
db.run('CREATE TABLE book (id INTEGER PRIMARY KEY, title TEXT NOT NULL, stock INTEGER NOT NULL)')
for (let id = 1; id <= 100; id++) db.run('INSERT INTO book VALUES (?, ?, ?)', [id, `Book ${id}`, 10])

const cache = await ShardedCache.create({ nodes: ['a', 'b', 'c'].map((id) => memoryNode(id)), l1: { max: 1_000 } })
const books = new Books(db, cache)

console.log(await books.find(1))
await books.sell(1, 3)
const afterSale = await books.find(1)
console.log(afterSale)
assert.equal(afterSale?.stock, 7, 'a read after a write sees it')

const shelf = await books.findMany([1, 2, 3, 999])
assert.deepEqual([...shelf.keys()], ['1', '2', '3'], 'what is not there is left out')

assert.equal(await books.find(1_000), undefined)
const queries = books.queries
assert.equal(await books.find(1_000), undefined)
assert.equal(books.queries, queries, 'that there is none was remembered')

const reads = 10_000
const before = books.queries
for (let i = 0; i < reads; i++) {
  const id = 1 + ((i * 37) % 100)
  if (i % 500 === 499) await books.sell(id, 0)
  assert.equal((await books.find(id))?.id, id)
}
const made = books.queries - before
const without = reads + reads / 500
console.log(`${reads} reads and ${reads / 500} writes: ${made} queries instead of ${without}, ${without - made} saved`)
assert.ok(made <= 100 + 2 * (reads / 500), 'one query per book, and two per write')

await cache.close()
db.close()
