import { Cluster, Redis as Redis6 } from 'ioredis'
import { Redis as Redis5 } from 'ioredis5'
import { routeBy, TTL, type ThroughputContender } from './client.ts'

/** What the clients that descend from ioredis have in common. */
export interface IoredisClient {
  get(key: string): Promise<string | null>
  mget(keys: string[]): Promise<(string | null)[]>
  set(key: string, value: string, unit: 'PX', ms: number): Promise<unknown>
  disconnect(): void
}
type IoredisClass = new (options: object) => IoredisClient

/** One client per server, routed by hand. */
export function plainly(
  about: Pick<ThroughputContender, 'name' | 'of' | 'competitor' | 'takes'>,
  Redis: IoredisClass | (() => Promise<IoredisClass>),
  options: object = {},
): ThroughputContender {
  return {
    ...about,
    kind: 'redis',
    async open(servers) {
      const Class = 'prototype' in Redis ? (Redis as IoredisClass) : await (Redis as () => Promise<IoredisClass>)()
      const clients = servers.map(({ host, port }) => new Class({ host, port, ...options }))
      const route = await routeBy(clients)
      return {
        get: (key) => route(key).get(key),
        set: (key, value) => route(key).set(key, value, 'PX', TTL),
        getMany: (keys) => Promise.all(keys.map((key) => route(key).get(key))),
        close: () => clients.forEach((client) => client.disconnect()),
      }
    },
  }
}

const five = Redis5 as unknown as IoredisClass
const six = Redis6 as unknown as IoredisClass

export const ioredis5: ThroughputContender = plainly({ name: 'ioredis 5', of: 'ioredis5' }, five)

export const ioredis5Pipelined: ThroughputContender = plainly(
  { name: 'ioredis 5, autopipelined', of: 'ioredis5' },
  five,
  { enableAutoPipelining: true },
)

export const ioredis6: ThroughputContender = plainly({ name: 'ioredis 6', of: 'ioredis' }, six)

export const ioredis6Pipelined: ThroughputContender = plainly(
  { name: 'ioredis 6, autopipelined', of: 'ioredis', takes: ({ operation }) => operation !== 'getOrLoad' },
  six,
  { enableAutoPipelining: true },
)

/** The same servers' worth of Redis, but its own sharding. */
export const ioredis6Cluster: ThroughputContender = {
  name: 'ioredis 6 Cluster',
  of: 'ioredis',
  kind: 'redis',
  cluster: true,
  takes: ({ nodes }) => nodes === 3,
  async open(servers) {
    const cluster = new Cluster(servers.map(({ host, port }) => ({ host, port })))
    await new Promise<void>((resolve, reject) => cluster.once('ready', resolve).once('error', reject))
    return {
      get: (key) => cluster.get(key),
      set: (key, value) => cluster.set(key, value, 'PX', TTL),
      getMany: (keys) => Promise.all(keys.map((key) => cluster.get(key))),
      close: () => cluster.disconnect(),
    }
  },
}
