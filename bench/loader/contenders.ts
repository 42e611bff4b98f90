import { Redis } from 'ioredis'
import { bentocache } from '../competitors/bentocache.ts'
import { cacheManager } from '../competitors/cache-manager.ts'
import { cacheable } from '../competitors/cacheable.ts'
import { TTL, type LoadingContender } from '../kit/loading-cache.ts'
import { ours, oursWithoutL1 } from '../kit/ours.ts'

/** What one writes who needs a cache of one Redis by the evening: no protection against anything. */
const byHand: LoadingContender = {
  name: 'ioredis 6, by hand',
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
  name: 'the loader itself',
  of: 'sharded-cache',
  open: () => ({ getOrLoad: (_, load) => load(), close: () => {} }),
}

export const BY_HAND: string = byHand.name
export const DIRECT: string = direct.name

/** A key that nobody has: each reads it, loads it and writes it. */
export const MISSING: readonly LoadingContender[] = [oursWithoutL1, byHand, ours, bentocache, cacheable, cacheManager]
/** The server is gone. */
export const DOWN: readonly LoadingContender[] = [oursWithoutL1, direct]
