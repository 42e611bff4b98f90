import { L1, TTL, type LoadingContender } from '../kit/loading-cache.ts'
import { load } from './load.ts'

interface CacheableModule {
  Cacheable: new (options: object) => {
    getOrSet(key: string, load: () => Promise<unknown>, options: { ttl: object }): Promise<unknown>
    get(key: string): Promise<unknown>
    disconnect(): Promise<void>
  }
  createKeyv(options: { ttl: number; lruSize: number }): unknown
}
interface KeyvRedis {
  default: new (url: string) => unknown
}

/** An LRU in the process and, where one is given, Redis through Keyv; a time to live for each, as its page on them has it. */
export const cacheable: LoadingContender = {
  name: 'cacheable',
  of: 'cacheable',
  competitor: true,
  async open(redis) {
    const { Cacheable, createKeyv } = await load<CacheableModule>('cacheable')
    const primary = createKeyv({ ttl: L1.ttl, lruSize: L1.max })
    const cache = new Cacheable({ primary, ...(redis ? { secondary: await redisStore(redis) } : {}) })
    const ttl = { primary: L1.ttl, secondary: TTL }
    return {
      getOrLoad: (key, loader) => cache.getOrSet(key, loader, { ttl }),
      get: (key) => cache.get(key),
      close: () => cache.disconnect(),
    }
  },
}

async function redisStore({ host, port }: { host: string; port: number }): Promise<unknown> {
  const { default: Store } = await load<KeyvRedis>('@keyv/redis')
  return new Store(`redis://${host}:${port}`)
}
