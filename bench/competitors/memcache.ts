import { TTL, type ThroughputContender } from '../throughput/client.ts'
import { load } from './load.ts'

interface MemcacheModule {
  Memcache: new (options: { nodes: string[] }) => {
    connect(): Promise<unknown>
    get(key: string): Promise<unknown>
    set(key: string, value: string, seconds: number): Promise<unknown>
    gets(keys: string[]): Promise<unknown>
    disconnect(): Promise<unknown>
  }
}

/** The newest one, on the Node that it needs. */
export const newestMemcache: ThroughputContender = {
  name: 'memcache, newest',
  of: 'memcache',
  competitor: true,
  newer: true,
  kind: 'memcached',
  async open(servers) {
    const { Memcache } = await load<MemcacheModule>('memcache')
    const client = new Memcache({ nodes: servers.map(({ host, port }) => `${host}:${port}`) })
    await client.connect()
    return {
      get: (key) => client.get(key),
      set: (key, value) => client.set(key, value, TTL / 1_000),
      getMany: (keys) => client.gets([...keys]),
      close: () => client.disconnect(),
    }
  },
}
