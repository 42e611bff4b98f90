import * as built from 'sharded-cache'
import { memcachedNode as builtMemcachedNode } from 'sharded-cache/memcached'
import { redisNode as builtRedisNode } from 'sharded-cache/redis'
import { ShardedCache } from '../../../src/cache.ts'
import { memcachedNode } from '../../../src/memcached/index.ts'
import { redisNode } from '../../../src/redis/index.ts'
import type { TestServer } from '../../support/servers.ts'

/** What is used of a cache here. */
export interface Timed extends Pick<ShardedCache, 'get' | 'getOrLoad' | 'set' | 'explain' | 'close'> {
  stats(): { readonly nodes: readonly { readonly members: readonly { circuit: string; state: string }[] }[] }
}

/** Makes a cache of these servers; their nodes are called `n0`, `n1`, … */
export type Open = (servers: readonly TestServer[]) => Promise<Timed>

/** The cache as it is published: what runs TypeScript on the fly names every closure anew, which times would show. */
export const openBuilt: Open = (servers) =>
  built.ShardedCache.create({
    nodes: servers.map(({ kind, url }, i) =>
      kind === 'redis' ? builtRedisNode(url, { id: `n${i}` }) : builtMemcachedNode(url, { id: `n${i}` }),
    ),
  })

/** The cache as its source has it. */
export const openSource: Open = (servers) =>
  ShardedCache.create({
    nodes: servers.map(({ kind, url }, i) =>
      kind === 'redis' ? redisNode(url, { id: `n${i}` }) : memcachedNode(url, { id: `n${i}` }),
    ),
  })
