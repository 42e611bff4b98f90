/** A social feed: posts are cached by author, a feed is put together with one getOrLoadMany, a new post deletes one key. */
import assert from 'node:assert/strict'
import { memoryNode, ShardedCache } from 'sharded-cache'

interface Post {
  author: string
  text: string
  at: number
}

/** Stands for the database: one query, however many authors it asks for. */
class Posts {
  /** The authors of each query. */
  readonly asked: string[][] = []
  readonly #all: Post[] = []
  #clock = 0

  insert(author: string, text: string): void {
    this.#all.push({ author, text, at: ++this.#clock })
  }

  latest(authors: readonly string[], count: number): Promise<Map<string, Post[]>> {
    this.asked.push([...authors])
    const of = (author: string): Post[] => this.#all.filter((post) => post.author === author).slice(-count)
    return Promise.resolve(new Map(authors.map((author) => [author, of(author)])))
  }
}

const PER_AUTHOR = 20

class Feeds {
  readonly #posts: Posts
  readonly #cache

  constructor(posts: Posts, cache: ShardedCache) {
    this.#posts = posts
    this.#cache = cache.space<Post[]>('posts-by', { ttl: '10m' })
  }

  /** The newest posts of these authors, newest first. */
  async feed(authors: readonly string[], count: number): Promise<Post[]> {
    // One read per node, and one query for exactly the authors that are missing.
    const posts = await this.#cache.getOrLoadMany(authors, (missing) => this.#posts.latest(missing, PER_AUTHOR))
    return [...posts.values()]
      .flat()
      .sort((a, b) => b.at - a.at)
      .slice(0, count)
  }

  async publish(author: string, text: string): Promise<void> {
    this.#posts.insert(author, text)
    // Every feed with this author in it is made anew from now on; no feed has to be found and changed.
    await this.#cache.delete(author)
  }
}

const posts = new Posts()
const names = ['ada', 'alan', 'barbara', 'donald', 'edsger', 'grace', 'john', 'ken', 'leslie', 'margaret']
for (let round = 1; round <= 5; round++) for (const name of names) posts.insert(name, `${name}'s post ${round}`)

const cache = await ShardedCache.create({
  nodes: ['a', 'b', 'c'].map((id) => memoryNode(id)),
  l1: { max: 10_000, ttl: '5s' },
})
const feeds = new Feeds(posts, cache)

const mine = ['ada', 'barbara', 'grace', 'margaret']
const yours = ['grace', 'ken', 'margaret']

const first = await feeds.feed(mine, 3)
console.log('My feed:', first.map(({ text }) => text).join(', '))
await feeds.feed(yours, 3)
assert.deepEqual(posts.asked, [mine, ['ken']], 'the second feed asks only for the author that the first had not')

await feeds.feed(mine, 3)
await feeds.feed(yours, 3)
assert.equal(posts.asked.length, 2, 'both feeds come from the cache now')

await feeds.publish('grace', 'A new compiler!')
const [newest] = await feeds.feed(mine, 3)
console.log('After a new post:', newest?.text)
assert.equal(newest?.text, 'A new compiler!')
assert.deepEqual(posts.asked.slice(2), [['grace']], 'one author was loaded again, for everybody')
assert.equal((await feeds.feed(yours, 1))[0]?.text, 'A new compiler!')
assert.equal(posts.asked.length, 3)

let made = 0
for (let i = 0; i < 2_000; i++) {
  const followed = names.filter((_, j) => (i + j) % 3 !== 0)
  const feed = await feeds.feed(followed, 10)
  assert.equal(feed.length, 10)
  made++
  if (i % 200 === 199) await feeds.publish(names[(i * 7) % names.length] as string, `a post in between, ${i}`)
}
console.log(`${made} feeds, 10 new posts: ${posts.asked.length - 3} queries`)
assert.ok(posts.asked.length - 3 <= 30)

await cache.close()
