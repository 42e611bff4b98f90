/** A warm-up from yesterday's key log: the reads of one cache are recorded, and warm the next one before its readers come. */
import assert from 'node:assert/strict'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { memoryNode, readKeyLog, recordKeys, ShardedCache, type Space } from 'sharded-cache'

interface Article {
  id: string
  text: string
}

/** Stands for the database: it counts what it was asked for. */
const database = { queries: 0, rows: 0 }
async function findArticles(ids: readonly string[]): Promise<Map<string, Article>> {
  database.queries++
  database.rows += ids.length
  return new Map(ids.map((id) => [id, { id, text: `article ${id}` }]))
}

async function startCluster(): Promise<{ cache: ShardedCache; articles: Space<Article> }> {
  const cache = await ShardedCache.create({ nodes: ['a', 'b', 'c'].map((id) => memoryNode(id)) })
  return { cache, articles: cache.space<Article>('article', { ttl: '1h' }) }
}

/** 20,000 reads of 5,000 articles, a few of them far more often than the others; the same ones every day. */
async function readers(articles: Space<Article>): Promise<Set<string>> {
  const read = new Set<string>()
  let seed = 1
  for (let i = 0; i < 20_000; i++) {
    seed = (seed * 48_271) % 2_147_483_647
    const id = `${Math.floor(5_000 * (seed / 2_147_483_647) ** 3)}`
    read.add(id)
    await articles.getOrLoad(id, async () => (await findArticles([id])).get(id) as Article)
  }
  return read
}

const folder = await mkdtemp(join(tmpdir(), 'key-log-'))
const path = join(folder, 'keys.log')

// Yesterday: every read is one line.
const yesterday = await startCluster()
const file = createWriteStream(path)
const stop = recordKeys(yesterday.cache, (line) => file.write(line))
const read = await readers(yesterday.articles)
stop()
await finished(file.end())
await yesterday.cache.close()
const cold = database.queries
console.log(`Yesterday, cold: ${cold} queries came from readers`)

// Today: a new cluster. The warm-up is interrupted on the way, and run again.
const today = await startCluster()
const warm = (signal?: AbortSignal) =>
  today.articles.warm(readKeyLog(createReadStream(path), { prefix: 'article:' }), findArticles, {
    onProgress: ({ done }) => {
      if (done >= 1_000) interrupt.abort()
    },
    ...(signal && { signal }),
  })
const interrupt = new AbortController()
await assert.rejects(warm(interrupt.signal), { name: 'AbortError' })
const before = database.rows
const { loaded, skipped, failed } = await warm()
console.log(`The second warm-up: ${skipped} were there already, ${loaded} loaded, ${failed} failed`)
assert.equal(failed, 0)
assert.equal(skipped + loaded, read.size, 'every article that was read yesterday is warm')
assert.equal(database.rows - before, loaded, 'the database was asked for those alone that were missing')
assert.ok(skipped > 500, 'the second warm-up went on where the first one was')

database.queries = 0
await readers(today.articles)
console.log(`Today, warm: ${database.queries} queries came from readers`)
// Not "none": on a machine that stands still for a moment a read may pass its deadline, and is answered by the database.
assert.ok(database.queries < cold / 10)

await today.cache.close()
await rm(folder, { recursive: true })
