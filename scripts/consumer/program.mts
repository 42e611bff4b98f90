/**
 * A program that uses every public entry; consumer-types.mjs compiles it as a user would, and nobody runs it. The types
 * written out here are part of what the package promises: a change that breaks this file breaks other people's builds.
 */
import { CacheError, ShardedCache, isCacheError, memoryNode } from 'sharded-cache'
import { memcachedNode } from 'sharded-cache/memcached'
import { redisNode } from 'sharded-cache/redis'
import { ManualClock, describeAdapter } from 'sharded-cache/testing'

interface User {
  id: number
  name: string
}

async function program(): Promise<void> {
  await using cache = await ShardedCache.create({
    nodes: [
      redisNode('redis://127.0.0.1:6379', { id: 'a', weight: 2, zone: 'eu-1a', replicas: ['redis://127.0.0.1:6380'] }),
      memcachedNode('memcached://127.0.0.1:11211', { id: 'b' }),
      memoryNode('c'),
    ],
    l1: { max: 10_000, ttl: '5s' },
    reads: 'prefer-primary',
    ttl: '5m',
    nodeTimeout: 250,
  })

  const user: User | undefined = await cache.get<User>('user:1', { reads: 'primary', l1: false, timeout: '50ms' })
  const users: Map<string, User> = await cache.getMany<User>(['user:1', 'user:2'])
  const written = await cache.set('user:1', { id: 1, name: 'Ann' }, { ttl: '1m', signal: AbortSignal.timeout(1000) })
  const stored: boolean = written.ok && written.status === 'stored'
  const deleted: 'deleted' | 'absent' | 'journaled' | 'failed' = (await cache.delete('user:1')).status
  const loaded: User = await cache.getOrLoad('user:1', () => Promise.resolve({ id: 1, name: 'Ann' }), { ttl: '5m' })
  const find = cache.wrap((id: number) => Promise.resolve<User>({ id, name: 'Ann' }), { key: (id) => `user:${id}` })
  const found: User = await find(1)
  const name: string | undefined = cache.peek<User>('user:1')?.name
  const owner: string = cache.explain('user:1').owner
  const views = cache.space<User>('user', { ttl: '1h' })
  const viewed: User | undefined = await views.get('1')
  // @ts-expect-error a space keeps to its type
  await views.set('1', 'not a user')
  // @ts-expect-error a cache needs nodes
  await ShardedCache.create({})
  const off: () => void = cache.on('node-error', (event) => void event.node)
  off()
  await cache.addNode(memoryNode('d'))
  const shown: unknown[] = [user, users, stored, deleted, loaded, found, name, owner, viewed, cache.stats()]
  shown.push(await cache.health(), new ManualClock(), describeAdapter)
}

program().catch((error: unknown) => {
  if (isCacheError(error)) error satisfies CacheError
  const code: string | undefined = error instanceof CacheError ? error.code : undefined
  void code
})
