import { L1, TTL, type LoadingContender } from '../kit/loading-cache.ts'
import { load } from './load.ts'

interface Store {
  useL1Layer(driver: unknown): Store
  useL2Layer(driver: unknown): Store
}
interface Bentocache {
  bentostore(): Store
  BentoCache: new (options: { default: string; stores: Record<string, Store> }) => {
    getOrSet(options: { key: string; ttl: number; factory: () => Promise<unknown> }): Promise<unknown>
    get(options: { key: string }): Promise<unknown>
    disconnectAll(): Promise<void>
  }
}
interface MemoryDriver {
  memoryDriver(options: { maxItems: number }): unknown
}
interface RedisDriver {
  redisDriver(options: { connection: { host: string; port: number } }): unknown
}

/** Memory and Redis as the page on multi-tier has them; without a bus, which a single writer per key does not need. */
export const bentocache: LoadingContender = {
  name: 'bentocache',
  of: 'bentocache',
  competitor: true,
  async open(redis) {
    const { BentoCache, bentostore } = await load<Bentocache>('bentocache')
    const { memoryDriver } = await load<MemoryDriver>('bentocache/drivers/memory')
    const store = bentostore().useL1Layer(memoryDriver({ maxItems: L1.max }))
    if (redis) {
      const { redisDriver } = await load<RedisDriver>('bentocache/drivers/redis')
      store.useL2Layer(redisDriver({ connection: { host: redis.host, port: redis.port } }))
    }
    const cache = new BentoCache({ default: 'main', stores: { main: store } })
    const ttl = redis ? TTL : L1.ttl
    return {
      getOrLoad: (key, factory) => cache.getOrSet({ key, ttl, factory }),
      get: (key) => cache.get({ key }),
      close: () => cache.disconnectAll(),
    }
  },
}
