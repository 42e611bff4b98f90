/** An HTTP service (node:http) with a cache: `space` and `wrap`, a signal per request, /health, and a graceful end. */
import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { memoryNode, ShardedCache } from 'sharded-cache'

interface Article {
  id: string
  text: string
}

/** Stands for the database, which takes its time. */
const database = {
  queries: 0,
  async article(id: string, signal: AbortSignal): Promise<Article | undefined> {
    this.queries++
    await sleep(80, undefined, { signal })
    return id === '404' ? undefined : { id, text: `The text of article ${id}.` }
  },
  async mostRead(section: string): Promise<string[]> {
    this.queries++
    await sleep(80)
    return [`${section}/7`, `${section}/3`, `${section}/9`]
  },
}

function createService(cache: ShardedCache): Server {
  const articles = cache.space<Article>('article', { ttl: '1h', negativeTtl: '10s' })
  const mostRead = cache.wrap((section: string) => database.mostRead(section), {
    key: (section) => `most-read:${section}`,
    ttl: '1m',
  })

  async function answer(path: string, signal: AbortSignal): Promise<[status: number, body: unknown]> {
    const [, route, id = ''] = path.split('/')
    if (route === 'articles') {
      // Two signals: the request's ends this caller's wait; the loader's own ends the query, which others may share.
      const load = (context: { signal: AbortSignal }) => database.article(id, context.signal)
      const article = await articles.getOrLoad(id, load, { signal })
      return article ? [200, article] : [404, { error: `no article ${id}` }]
    }
    if (route === 'most-read') return [200, await mostRead(id)]
    if (route === 'health') {
      // A cache that is down makes the service slow, not unable: tell it, and go on taking requests.
      const { healthy, hitRate, nodes, issues } = await cache.health()
      return [200, { healthy, hitRate, nodes: nodes.map((node) => `${node.id} ${node.state}`), issues }]
    }
    return [404, { error: 'no such page' }]
  }

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController()
    response.once('close', () => gone.abort())
    let [status, body]: [number, unknown] = [500, { error: 'internal error' }]
    try {
      ;[status, body] = await answer(request.url ?? '/', gone.signal)
    } catch (error) {
      if (!gone.signal.aborted) console.error(error)
    }
    // While the service shuts down, connections must not be kept for a next request.
    if (!service.listening) response.setHeader('connection', 'close')
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }

  const service = createServer((request, response) => void respond(request, response))
  return service
}

const cache = await ShardedCache.create({ nodes: [memoryNode('a'), memoryNode('b')], l1: { max: 1_000 } })
const server = createService(cache)
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

async function visit(path: string): Promise<{ status: number; body: unknown }> {
  const start = performance.now()
  const response = await fetch(origin + path)
  const body: unknown = await response.json()
  console.log(`${response.status}  ${(performance.now() - start).toFixed(1).padStart(6)} ms  GET ${path}`)
  return { status: response.status, body }
}

for (const path of [
  '/articles/1',
  '/articles/1',
  '/most-read/sports',
  '/most-read/sports',
  '/articles/404',
  '/articles/404',
]) {
  await visit(path)
}
assert.equal(database.queries, 3, 'the second request of each page is answered by the cache')

await Promise.all(Array.from({ length: 50 }, () => fetch(`${origin}/articles/2`)))
assert.equal(database.queries, 4, 'fifty requests at once share one query')
console.log('50 requests at once for /articles/2: one query')

const visitor = new AbortController()
const impatient = fetch(`${origin}/articles/3`, { signal: visitor.signal })
while (database.queries < 5) await sleep(1)
visitor.abort()
await assert.rejects(impatient, { name: 'AbortError' })
assert.equal((await visit('/articles/3')).status, 200)
assert.equal(database.queries, 5, 'the query that the impatient visitor began serves the next one')

const { body } = await visit('/health')
console.log(body)
assert.equal((body as { healthy: boolean }).healthy, true)

/** The graceful end: no new requests, those under way are answered, then the cache lets go of its nodes. */
async function shutDown(): Promise<void> {
  await new Promise((resolve) => server.close(resolve))
  await cache.close()
}
const last = visit('/articles/4')
while (database.queries < 6) await sleep(1)
const [{ status }] = await Promise.all([last, shutDown()])
assert.equal(status, 200, 'a request that was under way is still answered')
console.log('shut down')
