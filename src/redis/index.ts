import { Redis } from 'ioredis'
import type { NodeSpec } from '../node/spec.ts'
import type { RedisClient } from './client.ts'
import { makeRedisNode } from './node.ts'
import type { RedisNodeOptions } from './options.ts'

export type { RedisClient } from './client.ts'
export type { RedisNodeOptions, RedisReplica } from './options.ts'
export type { RedisTlsOptions, TlsMaterial } from './tls.ts'

/**
 * A node on a Redis server, with any replicas, through `ioredis` (^5.11 or ^6), which the application installs.
 *
 * From a URL, the connection is the cache's own: commands fail at once while the server cannot be reached, none is sent
 * again later, and connecting goes on in the background, 250 ms apart at most. It keeps the process alive until
 * `cache.close()`. A client that is passed in stays the application's: see {@link RedisClient}.
 *
 * @param target `redis://[user[:password]@]host[:port][/db]`, `rediss://…` for TLS, or an ioredis client
 * @throws OptionError `ERR_URL` for a URL with another scheme, a parameter, a bad port or database, quoted without its
 *   password; `ERR_CLIENT` for a Cluster, a subscriber, a pipeline or what is no client; `ERR_OPTION`
 * @example
 * const cache = await ShardedCache.create({
 *   nodes: [
 *     redisNode('redis://10.0.0.1:6379', { id: 'a', weight: 2, replicas: ['redis://10.0.0.4:6379'] }),
 *     redisNode('rediss://cache:secret@10.0.0.2:6380/1', { id: 'b', tls: { ca } }),
 *     redisNode(existingClient, { id: 'c' }),
 *   ],
 * })
 */
export function redisNode(target: string | RedisClient, options: RedisNodeOptions = {}): NodeSpec {
  return makeRedisNode(Redis, target, options)
}
