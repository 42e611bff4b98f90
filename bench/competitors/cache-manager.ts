import { L1, TTL, type LoadingContender } from '../kit/loading-cache.ts'
import { load } from './load.ts'

interface CacheManager {
  createCache(options: { stores: unknown[]; ttl: number }): {
    wrap(key: string, load: () => Promise<unknown>): Promise<unknown>
    get(key: string): Promise<unknown>
    disconnect(): Promise<unknown>
  }
}
interface MemoryStore {
  createKeyv(options: { ttl: number; lruSize: number }): unknown
}
interface RedisStore {
  createKeyv(url: string): unknown
}

/** The LRU of cacheable in the process and, where one is given, Redis through Keyv, as its read-me has them. */
export const cacheManager: LoadingContender = {
  name: 'cache-manager',
  of: 'cache-manager',
  competitor: true,
  async open(redis) {
    const { createCache } = await load<CacheManager>('cache-manager')
    const stores = [(await load<MemoryStore>('cacheable')).createKeyv({ ttl: L1.ttl, lruSize: L1.max })]
    if (redis) {
      const { createKeyv } = await load<RedisStore>('@keyv/redis')
      stores.push(createKeyv(`redis://${redis.host}:${redis.port}`))
    }
    const cache = createCache({ stores, ttl: redis ? TTL : L1.ttl })
    return {
      getOrLoad: (key, loader) => cache.wrap(key, loader),
      get: (key) => cache.get(key),
      close: () => cache.disconnect(),
    }
  },
}
