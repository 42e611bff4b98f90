import { routeBy, TTL, type ThroughputContender } from '../throughput/client.ts'
import { load } from './load.ts'

interface NodeRedis {
  createClient(options: { url: string }): {
    on(event: 'error', listener: (error: Error) => void): unknown
    connect(): Promise<unknown>
    get(key: string): Promise<unknown>
    set(key: string, value: string, options: { expiration: { type: 'PX'; value: number } }): Promise<unknown>
    destroy(): void
  }
}

/** It puts the commands of one turn together by itself. */
export const nodeRedis: ThroughputContender = {
  name: 'node-redis',
  of: 'redis',
  competitor: true,
  kind: 'redis',
  takes: ({ operation }) => operation !== 'getOrLoad',
  async open(servers) {
    const { createClient } = await load<NodeRedis>('redis')
    const clients = servers.map(({ host, port }) => createClient({ url: `redis://${host}:${port}` }))
    for (const client of clients) {
      client.on('error', (error) => console.error(error))
      await client.connect()
    }
    const route = await routeBy(clients)
    const expiration = { type: 'PX', value: TTL } as const
    return {
      get: (key) => route(key).get(key),
      set: (key, value) => route(key).set(key, value, { expiration }),
      getMany: (keys) => Promise.all(keys.map((key) => route(key).get(key))),
      close: () => clients.forEach((client) => client.destroy()),
    }
  },
}
