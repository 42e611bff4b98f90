import { Memcache } from 'memcache'
import { Client as Memjs } from 'memjs'
import { TTL, type ThroughputContender } from './client.ts'

export const memjs: ThroughputContender = {
  name: 'memjs',
  of: 'memjs',
  kind: 'memcached',
  open(servers) {
    const client = Memjs.create(servers.map(({ host, port }) => `${host}:${port}`).join(','))
    return {
      get: async (key) => (await client.get(key)).value?.toString(),
      set: (key, value) => client.set(key, value, { expires: TTL / 1_000 }),
      getMany: (keys) => Promise.all(keys.map((key) => client.get(key))),
      close: () => client.close(),
    }
  },
}

/** The last one for the oldest Node that this library supports. */
export const memcache: ThroughputContender = {
  name: 'memcache 1.7',
  of: 'memcache',
  kind: 'memcached',
  async open(servers) {
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
