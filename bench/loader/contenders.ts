import { Redis } from 'ioredis'
import { bentocache } from '../competitors/bentocache.ts'
import { cacheManager } from '../competitors/cache-manager.ts'
import { cacheable } from '../competitors/cacheable.ts'
import { TTL, type LoadingContender } from '../kit/loading-cache.ts'
import { ours, oursWithoutL1 } from '../kit/ours.ts'
import { BY_HAND, DIRECT } from './names.ts'

/** What one writes who needs a cache of one Redis by the evening: no protection against anything. */
const byHand: LoadingContender = {
  name: BY_HAND,
  of: 'ioredis',
  open(server) {
    if (!server) throw new Error('it needs a Redis')
    const redis = new Redis({ host: server.host, port: server.port })
    return {
      async getOrLoad(key, load) {
        const found = await redis.get(key)
        if (found !== null) return JSON.parse(found) as unknown
        const value = await load()
        await redis.set(key, JSON.stringify(value), 'PX', TTL)
        return value
      },
      close: () => redis.disconnect(),
    }
  },
}

/** No cache at all: what a call of the loader costs by itself. */
const direct: LoadingContender = {
  name: DIRECT,
  of: 'sharded-cache',
  open: () => ({ getOrLoad: (_, load) => load(), close: () => {} }),
}

/** How many calls are under way at any time. */
export const IN_FLIGHT: readonly number[] = [1, 32, 256]
/** A key that nobody has: each reads it, loads it and writes it. */
export const MISSING: readonly LoadingContender[] = [oursWithoutL1, ours, byHand, bentocache, cacheable, cacheManager]
/** The server is gone. */
export const DOWN: readonly LoadingContender[] = [oursWithoutL1, direct]
