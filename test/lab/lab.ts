import { ShardedCache } from '../../src/cache.ts'
import { parseDuration } from '../../src/base/duration.ts'
import { memcachedNode } from '../../src/memcached/index.ts'
import type { NodeSpec } from '../../src/node/spec.ts'
import type { CacheOptions } from '../../src/options.ts'
import { redisNode } from '../../src/redis/index.ts'
import { startMemcached, startRedis, until, type TestServer } from '../support/servers.ts'
import { heapUsed, leftOver, resources, UnhandledMeter } from './meters.ts'
import { openNamespace, type Namespace } from './netns.ts'
import type { Allowance } from './oracle.ts'
import { startProxy, type Proxy } from './proxy.ts'
import { seeded } from './random.ts'
import { runTraffic, type TrafficOptions } from './traffic.ts'
import type { LoaderCounts } from './truth.ts'
import { Watch } from './watch.ts'

export interface LabOptions {
  /** The servers, one per node; their nodes are called `n0`, `n1`, … */
  servers: readonly TestServer['kind'][]
  /** A proxy before each server. */
  proxy?: boolean
  /** A network namespace around each server, for silent partitions. Not together with `proxy`. */
  netns?: boolean
  /** Options of the cache besides its nodes. */
  cache?: Omit<Partial<CacheOptions>, 'nodes'>
  /** Makes a node of its server's URL; `redisNode` and `memcachedNode` with the id alone unless given. */
  node?: (url: string, id: string, kind: TestServer['kind']) => NodeSpec
  /** Which stale reads are right in this test. */
  allow?: readonly Allowance[]
  /** Bytes added to each value. */
  pad?: number
  /** Of the proxies' jitter; 1 unless given. */
  seed?: number
}

/** What became of all calls so far; `expect(lab.verdict()).toMatchObject(CLEAN)` says that the invariants hold. */
export interface Verdict {
  calls: number
  reads: number
  hits: number
  /** I1: calls that settled later than their deadline, 50 ms and the stalls of this process, and those that have not. */
  late: number
  pending: number
  /** How far over its deadline the latest call was, in milliseconds; negative when all were in time. */
  latest: number
  /** I2 */
  unhandled: readonly string[]
  /** I3 */
  wrong: number
  /** I4 */
  stale: number
  /** What would have been stale without the allowances, by name. */
  allowed: Readonly<Record<string, number>>
  /** Calls that rejected though the cache must answer, by code. */
  rejected: Readonly<Record<string, number>>
  /** Loads that rejected since the loader failed. */
  loadErrors: number
  /** I5: `duplicates` are loads that a flight under way should have served. */
  loader: Readonly<LoaderCounts>
  /** I3 and I4 in words, the first of them. */
  violations: readonly string[]
}

/** The invariants I1 to I5; I6 is what {@link Lab.close} gives. */
export const CLEAN: Partial<Record<keyof Verdict, unknown>> = {
  late: 0,
  pending: 0,
  unhandled: [],
  wrong: 0,
  stale: 0,
  rejected: {},
  loader: { duplicates: 0 },
  violations: [],
}

/** What was there after the cache was closed that was not there before it was made: I6. */
export interface Remains {
  /** Sockets, timers and the like that keep the process alive; empty when all is as it was. */
  resources: readonly string[]
  /** Growth of the heap, in bytes, once the garbage was collected. */
  heap: number
}

/**
 * A cache on real servers, with everything at hand that can go wrong between them, watched.
 *
 * @example
 * const lab = await openLab({ servers: ['redis', 'memcached'], proxy: true, cache: { nodeTimeout: 100 } })
 * await lab.traffic({
 *   during: async () => {
 *     lab.proxies[0]?.pause()
 *     await until(() => lab.cache.stats().nodes.some(({ state }) => state === 'down'))
 *     lab.proxies[0]?.resume()
 *   },
 * })
 * await lab.serving()
 * expect(lab.verdict()).toMatchObject(CLEAN)
 * expect((await lab.close()).resources).toEqual([])
 */
export interface Lab {
  readonly cache: ShardedCache
  readonly servers: readonly TestServer[]
  /** The proxy before each server; empty without `proxy`. */
  readonly proxies: readonly Proxy[]
  /** The namespace around each server; empty without `netns`. */
  readonly namespaces: readonly Namespace[]
  /** Single calls that are watched like the traffic, and the truth behind them. */
  readonly watch: Watch
  /** Runs a mix of calls. */
  traffic(options: TrafficOptions): Promise<void>
  /** Keys that the node of this server owns: `count` of them, 10 unless given. */
  keysOf(server: number, count?: number): string[]
  /** Waits until the nodes of all servers, or of one, take writes. */
  serving(server?: number): Promise<void>
  verdict(): Verdict
  /** Closes the cache, then everything else, and says what the cache left behind. A second close does nothing more. */
  close(): Promise<Remains>
}

const NODE_TIMEOUT = 250

export async function openLab(options: LabOptions): Promise<Lab> {
  const { seed = 1, cache: given = {} } = options
  if (options.proxy && options.netns) throw new Error('a lab has proxies or namespaces, not both')
  const namespaces: Namespace[] = []
  const servers: TestServer[] = []
  const proxies: Proxy[] = []
  const stopAll = async (): Promise<void> => {
    await Promise.all(proxies.map((proxy) => proxy.stop()))
    await Promise.all(servers.map((server) => server.stop()))
    await Promise.all(namespaces.map((namespace) => namespace.close()))
  }
  const unhandled = new UnhandledMeter()
  try {
    for (const kind of options.servers) {
      const namespace = options.netns ? openNamespace() : undefined
      if (namespace) namespaces.push(namespace)
      servers.push(
        await (kind === 'redis'
          ? (namespace?.startRedis ?? startRedis)()
          : (namespace?.startMemcached ?? startMemcached)()),
      )
    }
    // Taken before the proxies, which are stopped before it is compared: their sockets are the cache's.
    const before = { resources: resources(), heap: heapUsed() }
    if (options.proxy) {
      const random = seeded(seed)
      for (const { port } of servers) proxies.push(await startProxy(port, { random }))
    }
    const nodeTimeout = parseDuration(given.nodeTimeout ?? NODE_TIMEOUT, 'nodeTimeout')
    const nodes = servers.map(({ kind, url }, index) =>
      (options.node ?? plainNode)(proxies[index]?.url(kind) ?? url, `n${index}`, kind),
    )
    const cache = await ShardedCache.create({ ...given, nodeTimeout, nodes })
    const { allow = [], pad = 0 } = options
    const watch = new Watch(cache, { nodeTimeout, allow, pad })
    const keysOf = (server: number, count = 10): string[] => {
      const keys: string[] = []
      for (let i = 0; keys.length < count; i++) {
        const key = `n${server}-${i}`
        if (cache.explain(key).owner === `n${server}`) keys.push(key)
      }
      return keys
    }
    return {
      cache,
      servers,
      proxies,
      namespaces,
      watch,
      keysOf,
      traffic: (traffic) => runTraffic(watch, traffic),
      serving: async (server) => {
        const wanted = server === undefined ? servers.map((_, index) => index) : [server]
        const probes = wanted.map((index) => keysOf(index, 1)[0] ?? '')
        for (const key of probes) await until(async () => (await watch.set(key)) === 'stored', `${key} to be stored`)
      },
      verdict: () => verdictOf(watch, unhandled),
      close: async () => {
        await cache.close()
        watch.stop()
        await Promise.all(proxies.map((proxy) => proxy.stop()))
        await until(() => leftOver(before.resources).length === 0, 'the resources to be let go', 1_000).catch(() => {})
        const remains = { resources: leftOver(before.resources), heap: heapUsed() - before.heap }
        unhandled.stop()
        await stopAll()
        return remains
      },
    }
  } catch (error) {
    unhandled.stop()
    await stopAll()
    throw error
  }
}

function plainNode(url: string, id: string, kind: TestServer['kind']): NodeSpec {
  return kind === 'redis' ? redisNode(url, { id }) : memcachedNode(url, { id })
}

function verdictOf(watch: Watch, unhandled: UnhandledMeter): Verdict {
  const { oracle, truth } = watch
  return {
    calls: watch.calls,
    reads: oracle.reads,
    hits: oracle.hits,
    late: watch.late,
    pending: watch.pending,
    latest: Math.round(watch.latest),
    unhandled: [...unhandled.errors],
    wrong: oracle.wrong,
    stale: oracle.stale,
    allowed: { ...oracle.allowed },
    rejected: { ...watch.rejected },
    loadErrors: watch.loadErrors,
    loader: { ...truth.counts },
    violations: [...oracle.violations],
  }
}
