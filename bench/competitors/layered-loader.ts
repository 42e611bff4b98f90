import { L1, TTL, type LoadingContender } from '../kit/loading-cache.ts'
import { load } from './load.ts'

interface LayeredLoader {
  Loader: new (options: object) => {
    get(key: string): Promise<unknown>
    getInMemoryOnly(key: string): unknown
  }
  RedisCache: new (redis: unknown, options: { json: boolean; ttlInMsecs: number }) => unknown
}
interface Ioredis {
  Redis: new (options: { host: string; port: number }) => { disconnect(): void }
}

/** Memory and Redis as in its first example. Its loader belongs to the cache, not to the call: each call puts its own there. */
export const layeredLoader: LoadingContender = {
  name: 'layered-loader',
  of: 'layered-loader',
  competitor: true,
  newer: true,
  async open(server) {
    const { Loader, RedisCache } = await load<LayeredLoader>('layered-loader')
    // It wants ioredis 6, and bentocache, beside it, ioredis 5.
    const redis = server && new (await load<Ioredis>('ioredis6')).Redis({ host: server.host, port: server.port })
    let loading: () => Promise<unknown> = () => Promise.resolve(undefined)
    const cache = new Loader({
      inMemoryCache: { cacheType: 'lru-map', ttlInMsecs: L1.ttl, maxItems: L1.max },
      ...(redis ? { asyncCache: new RedisCache(redis, { json: true, ttlInMsecs: TTL }) } : {}),
      dataSourceGetOneFn: () => loading(),
    })
    return {
      getOrLoad: (key, loader) => {
        loading = loader
        return cache.get(key)
      },
      peek: (key) => cache.getInMemoryOnly(key),
      close: () => redis?.disconnect(),
    }
  },
}
