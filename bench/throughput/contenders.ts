import { Redis as Redis6 } from 'ioredis'
import { Redis as Redis5 } from 'ioredis5'
import { Memcache } from 'memcache'
import { Client as Memjs } from 'memjs'
import { loadHash, ring, ShardedCache } from 'sharded-cache'
import { memcachedNode } from 'sharded-cache/memcached'
import { redisNode } from 'sharded-cache/redis'
import type { Case } from './cases.ts'

/** A server, as a contender is told of it. */
export interface Server {
  readonly host: string
  readonly port: number
}

/** A client at work. */
export interface Client {
  get(key: string): Promise<unknown>
  set(key: string, value: string): Promise<unknown>
  getMany(keys: readonly string[]): Promise<unknown>
  close(): unknown
}

/** One way to reach the servers, used as its documentation says. */
export interface Contender {
  readonly name: string
  /** The package whose version is shown. */
  readonly of: string
  readonly kinds: readonly Case['kind'][]
  open(servers: readonly Server[], kind: Case['kind']): Promise<Client> | Client
}

/** How long what is written lives, in milliseconds. */
const TTL = 3_600_000

const ours: Contender = {
  name: 'sharded-cache',
  of: 'sharded-cache',
  kinds: ['redis', 'memcached'],
  async open(servers, kind) {
    const cache = await ShardedCache.create({
      nodes: servers.map(({ host, port }, i) =>
        kind === 'redis'
          ? redisNode(`redis://${host}:${port}`, { id: idOf(i) })
          : memcachedNode(`memcached://${host}:${port}`, { id: idOf(i) }),
      ),
      ttl: TTL,
    })
    return {
      get: (key) => cache.get(key),
      set: (key, value) => cache.set(key, value),
      getMany: (keys) => cache.getMany(keys),
      close: () => cache.close(),
    }
  },
}

/** The same, reading through: every call finds its key. */
const loading: Contender = {
  ...ours,
  name: 'sharded-cache, getOrLoad',
  kinds: ['redis'],
  async open(servers) {
    const cache = await ShardedCache.create({
      nodes: servers.map(({ host, port }, i) => redisNode(`redis://${host}:${port}`, { id: idOf(i) })),
      ttl: TTL,
    })
    return {
      get: (key) => cache.getOrLoad(key, () => Promise.reject(new Error('every key is there'))),
      set: (key, value) => cache.set(key, value),
      getMany: (keys) => cache.getMany(keys),
      close: () => cache.close(),
    }
  },
}

const ioredis = (name: string, of: string, Redis: typeof Redis6, options: object): Contender => ({
  name,
  of,
  kinds: ['redis'],
  async open(servers) {
    const clients = servers.map(({ host, port }) => new Redis({ host, port, ...options }))
    const route = await routeBy(clients)
    return {
      get: (key) => route(key).get(key),
      set: (key, value) => route(key).set(key, value, 'PX', TTL),
      getMany: (keys) => Promise.all(keys.map((key) => route(key).get(key))),
      close: () => clients.forEach((client) => client.disconnect()),
    }
  },
})

const memjs: Contender = {
  name: 'memjs',
  of: 'memjs',
  kinds: ['memcached'],
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

const memcache: Contender = {
  name: 'memcache',
  of: 'memcache',
  kinds: ['memcached'],
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

/** By name; the first of each kind that is not ours is what the others are compared with. */
export const CONTENDERS: readonly Contender[] = [
  ours,
  loading,
  ioredis('ioredis 5', 'ioredis5', Redis5 as unknown as typeof Redis6, {}),
  ioredis('ioredis 5, autopipelined', 'ioredis5', Redis5 as unknown as typeof Redis6, { enableAutoPipelining: true }),
  ioredis('ioredis 6', 'ioredis', Redis6, {}),
  memjs,
  memcache,
]

/** What the others are compared with. */
export const BASELINE: Readonly<Record<Case['kind'], string>> = { redis: 'ioredis 5', memcached: 'memjs' }

/** Those that take part in a case. */
export function contendersOf({ kind, operation }: Case): Contender[] {
  return CONTENDERS.filter(
    (one) =>
      one.kinds.includes(kind) &&
      (one === loading ? operation === 'getOrLoad' : one !== ours || operation !== 'getOrLoad'),
  )
}

function idOf(i: number): string {
  return `n${i}`
}

/** Several plain clients, as one would route them by hand: by the same ring. */
async function routeBy<C>(clients: readonly C[]): Promise<(key: string) => C> {
  if (clients.length === 1) return () => clients[0] as C
  const { ownerOf } = ring(
    clients.map((_, i) => ({ id: idOf(i) })),
    { hash: await loadHash() },
  )
  return (key) => clients[ownerOf(key)] as C
}
