import { ShardedCache } from '../../../src/cache.ts'
import { memcachedNode } from '../../../src/memcached/index.ts'
import type { NodeSpec } from '../../../src/node/spec.ts'
import { redisNode } from '../../../src/redis/index.ts'
import { soon, startMemcached, startRedis, startReplica, type TestServer } from '../../support/servers.ts'
import { startProxy, type Proxy } from '../proxy.ts'
import { seeded } from '../random.ts'
import { naiveNode } from './naive.ts'
import type { Shape } from './plan.ts'

/** Two Redis nodes, one of them with a replica, and two of memcached; two caches. */
export const SHAPE: Shape = {
  servers: [
    { name: 'r0', kind: 'redis', disk: true },
    { name: 'r0-replica', kind: 'redis', replica: true },
    { name: 'r1', kind: 'redis', disk: true },
    { name: 'm0', kind: 'memcached' },
    { name: 'm1', kind: 'memcached' },
  ],
  caches: 2,
}

/** The node whose reads may come from a replica. */
export const REPLICATED = 'r0'
/** Milliseconds. */
export const NODE_TIMEOUT = 200
export const L1_TTL = 500

/** Servers, and caches that each reach them through proxies of their own: what one sees, the other need not. */
export interface World {
  readonly servers: ReadonlyMap<string, TestServer>
  /** By cache, then by the server's name. */
  readonly links: readonly ReadonlyMap<string, Proxy>[]
  /** The first has L1, the second has not. */
  readonly caches: readonly ShardedCache[]
  /** The node of this name as this cache was given it. */
  spec(cache: number, node: string): NodeSpec
  /** Closes the caches and what stood between them and the servers. */
  closeCaches(): Promise<void>
  stop(): Promise<void>
}

export interface WorldOptions {
  seed: number
  /** Switches journal, circuits and fences off, for a control. */
  naive?: boolean
}

// A script that does not end is to be told to others soon.
const REDIS = { args: ['--lua-time-limit', '100'] }

/** Starts the servers; the caches are made by {@link openCaches}, so that what they leave behind can be told. */
export async function openServers(): Promise<Map<string, TestServer>> {
  const [r0, r1, m0, m1] = await Promise.all([startRedis(REDIS), startRedis(REDIS), startMemcached(), startMemcached()])
  const replica = await startReplica(r0, REDIS)
  return new Map([
    ['r0', r0],
    ['r0-replica', replica],
    ['r1', r1],
    ['m0', m0],
    ['m1', m1],
  ])
}

export async function openCaches(
  servers: ReadonlyMap<string, TestServer>,
  { seed, naive }: WorldOptions,
): Promise<World> {
  const links: Map<string, Proxy>[] = []
  for (let cache = 0; cache < SHAPE.caches; cache++) {
    const proxies = new Map<string, Proxy>()
    for (const [name, { port }] of servers) proxies.set(name, await startProxy(port, { random: seeded(seed) }))
    links.push(proxies)
  }
  const spec = (cache: number, node: string): NodeSpec => {
    const url = (name: string): string => links[cache]!.get(name)!.url(servers.get(name)!.kind)
    const made =
      servers.get(node)!.kind === 'memcached'
        ? memcachedNode(url(node), { id: node })
        : redisNode(url(node), { id: node, replicas: node === REPLICATED ? [url(`${node}-replica`)] : [] })
    return naive ? naiveNode(made) : made
  }
  const nodes = SHAPE.servers.filter((server) => !server.replica).map(({ name }) => name)
  const caches: ShardedCache[] = []
  for (const l1 of [{ max: 1_000, ttl: L1_TTL }, undefined]) {
    const cache = caches.length
    caches.push(
      await ShardedCache.create({
        nodes: nodes.map((node) => spec(cache, node)),
        nodeTimeout: NODE_TIMEOUT,
        ttl: '1m',
        ...(l1 && { l1 }),
      }),
    )
  }
  return {
    servers,
    links,
    caches,
    spec,
    closeCaches: async () => {
      await Promise.all(caches.map((cache) => cache.close()))
      await Promise.all(links.flatMap((proxies) => [...proxies.values()].map((proxy) => proxy.stop())))
    },
    stop: async () => {
      await Promise.all([...servers.values()].map((server) => server.stop()))
    },
  }
}

/** Waits until every circuit is closed and every journal empty; says whether that came about in time. */
export async function recovered(caches: readonly ShardedCache[], ms: number): Promise<boolean> {
  const well = (cache: ShardedCache): boolean =>
    cache
      .stats()
      .nodes.every(({ journal, members }) => journal.keys === 0 && members.every(({ circuit }) => circuit === 'closed'))
  return soon(() => caches.every(well), ms)
}
