import { ShardedCache } from 'sharded-cache'
import { memcachedNode } from 'sharded-cache/memcached'
import { redisNode } from 'sharded-cache/redis'
import { idOf, TTL, type ThroughputContender } from './client.ts'

export const ours: ThroughputContender = {
  name: 'sharded-cache',
  of: 'sharded-cache',
  kind: 'both',
  takes: ({ operation }) => operation !== 'getOrLoad',
  async open(servers, kind) {
    const cache = await ShardedCache.create({
      nodes: servers.map(({ host, port }, i) =>
        kind === 'redis'
          ? redisNode(`redis://${host}:${port}`, { id: idOf(i) })
          : memcachedNode(`memcached://${host}:${port}`, { id: idOf(i) }),
      ),
      ttl: TTL,
    })
    return {
      get: (key) => cache.get(key),
      set: (key, value) => cache.set(key, value),
      getMany: (keys) => cache.getMany(keys),
      close: () => cache.close(),
    }
  },
}

/** The same, with the client library that most of the others are compared with. */
export const oursOverFive: ThroughputContender = {
  ...ours,
  name: 'sharded-cache over ioredis 5',
  kind: 'redis',
  instead: { ioredis: 'ioredis5' },
}

/** The same, reading through: every call finds its key. */
export const loading: ThroughputContender = {
  ...ours,
  name: 'sharded-cache, getOrLoad',
  kind: 'redis',
  takes: ({ operation }) => operation === 'getOrLoad',
  async open(servers) {
    const cache = await ShardedCache.create({
      nodes: servers.map(({ host, port }, i) => redisNode(`redis://${host}:${port}`, { id: idOf(i) })),
      ttl: TTL,
    })
    return {
      // Every key is there: a load is a call that was given up, and its round does not count.
      get: (key) => cache.getOrLoad(key, () => undefined),
      set: (key, value) => cache.set(key, value),
      getMany: (keys) => cache.getMany(keys),
      close: () => cache.close(),
    }
  },
}
