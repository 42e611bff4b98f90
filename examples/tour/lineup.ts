import { customNode, memoryNode, ShardedCache, type NodeSpec } from 'sharded-cache'
import { memcachedNode } from 'sharded-cache/memcached'
import { redisNode } from 'sharded-cache/redis'
import { isOnPath, startMemcached, startRedis, type TestServer } from '../support/servers.ts'
import { Complaint, nodeName, type GivenNode } from './arguments.ts'
import { fragile } from './fragile.ts'
import { number, time } from './terminal.ts'

/** A node of the tour, with what to call it. */
export interface TourNode {
  readonly spec: NodeSpec
  readonly kind: string
  /** Where it is, for people. */
  readonly place: string
}

/** How the tour gets rid of a node and gets it back. */
export interface Trouble {
  readonly title: string
  readonly how: string
  strike(cache: ShardedCache): Promise<unknown>
  /** What to say when it is back; `ms` after its server was, the cache used it again. */
  cure(ms: number): string
  heal(cache: ShardedCache): Promise<unknown>
}

/** The nodes of a tour, where they come from, and what may be done to them. */
export interface Lineup {
  readonly intro: string
  readonly nodes: readonly TourNode[]
  readonly newcomer: TourNode
  /** What befalls the second node. */
  readonly trouble: Trouble
  /** Removes the tour's keys from servers that stay, and tells of it. Idempotent. */
  removeKeys?(): Promise<string>
  /** Ends the servers that the tour started. Idempotent. */
  stop(): Promise<void>
}

/** The servers given, else processes of its own, else embedded nodes. */
export async function makeLineup(
  given: readonly GivenNode[],
  namespace: string,
  keys: readonly string[],
): Promise<Lineup> {
  if (given.length > 0) return onGivenServers(given, namespace, keys)
  const redis = isOnPath('redis-server')
  const memcached = isOnPath('memcached')
  return redis || memcached ? onOwnServers(redis, memcached) : inMemory()
}

async function onOwnServers(redis: boolean, memcached: boolean): Promise<Lineup> {
  const start = [startRedis, startRedis, startMemcached, startMemcached, startRedis].map((each) =>
    redis && memcached ? each : redis ? startRedis : startMemcached,
  )
  const starts = await Promise.allSettled(start.map((each) => each()))
  const servers = starts.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
  const failed = starts.find((each) => each.status === 'rejected')
  if (failed) {
    await stopAll(servers)
    throw new Complaint(`The servers for the tour did not start: ${(failed.reason as Error).message}`)
  }
  const nodes = servers.map(serverNode)
  const victim = servers[1] as TestServer
  const counted =
    redis && memcached ? 'two redis-server and two memcached' : redis ? 'four redis-server' : 'four memcached'
  const missing = redis && memcached ? '' : ` (${redis ? 'memcached' : 'redis-server'} is not on the PATH)`
  const process = `${programOf(victim)}, process ${victim.pid}`
  return {
    intro: `On real servers: ${counted} processes, started for this tour${missing}.`,
    nodes: nodes.slice(0, 4),
    newcomer: nodes[4] as TourNode,
    trouble: {
      title: 'Node b is killed',
      how: `kill -9 to ${process}, in the middle of the traffic.`,
      strike: () => victim.kill(),
      cure: (ms) => `Node b was started again, empty; the cache was using it after ${time(ms)}.`,
      heal: () => victim.restart(),
    },
    stop: () => stopAll(servers),
  }
}

function serverNode(server: TestServer, index: number): TourNode {
  const make = server.kind === 'redis' ? redisNode : memcachedNode
  const spec = make(server.url, { id: nodeName(index) })
  return { spec, kind: programOf(server), place: `127.0.0.1:${server.port}, process ${server.pid}` }
}

function programOf({ kind }: TestServer): string {
  return kind === 'redis' ? 'redis-server' : 'memcached'
}

async function stopAll(servers: readonly TestServer[]): Promise<void> {
  await Promise.all(servers.map((server) => server.stop()))
}

function inMemory(): Lineup {
  const embedded = (id: string): TourNode => ({
    spec: memoryNode(id),
    kind: 'memory',
    place: 'in this process',
  })
  const b = embedded('b')
  const { adapter, fault } = fragile(b.spec)
  return {
    intro: 'On embedded memory nodes: neither redis-server nor memcached is on the PATH.',
    nodes: [embedded('a'), { ...b, spec: customNode(adapter, { id: 'b' }) }, embedded('c'), embedded('d')],
    newcomer: embedded('e'),
    trouble: {
      title: 'Node b fails',
      how: 'An embedded node has no process to kill: from the middle of the traffic on, its adapter fails every operation.',
      strike: () => Promise.resolve((fault.down = true)),
      cure: () => 'The adapter of node b works again.',
      heal: () => Promise.resolve((fault.down = false)),
    },
    stop: () => Promise.resolve(),
  }
}

function onGivenServers(given: readonly GivenNode[], namespace: string, keys: readonly string[]): Lineup {
  const nodes = given.map(({ spec, kind }): TourNode => ({ spec, kind, place: spec.primary.address }))
  const embedded = (): TourNode => {
    const id = nodeName(nodes.length)
    return { spec: memoryNode(id), kind: 'memory', place: 'in this process' }
  }
  const alone = nodes.length === 1
  if (alone) nodes.push(embedded())
  const second = (nodes[1] as TourNode).spec
  const count = given.length === 1 ? 'the server' : `the ${given.length} servers`
  let cleaning: Promise<string> | undefined
  return {
    intro: `On ${count} given${alone ? ', and an embedded node: a single node has nothing to share out' : ''}.`,
    nodes,
    newcomer: embedded(),
    trouble: {
      title: 'Node b is taken out',
      how: 'The servers are not this tour’s, so it kills none: it removes b from the cache in the middle of the traffic.',
      strike: (cache) => cache.removeNode('b'),
      cure: () => 'Node b was put back, its server untouched.',
      heal: (cache) => cache.addNode(second),
    },
    removeKeys: () => (cleaning ??= removeKeys(given, namespace, keys)),
    stop: () => Promise.resolve(),
  }
}

/** Every server may hold any of the keys, since nodes came and went: each is asked to delete all of them. */
async function removeKeys(given: readonly GivenNode[], namespace: string, keys: readonly string[]): Promise<string> {
  let deleted = 0
  const unsure: string[] = []
  for (const { spec } of given) {
    try {
      deleted += await removeFrom(spec, namespace, keys)
    } catch {
      unsure.push(spec.primary.address)
    }
  }
  const rest =
    unsure.length === 0 ? '' : ` ${unsure.join(', ')} failed: what is left there expires within five minutes.`
  return `Deleted this tour’s ${number(deleted)} entries from the servers given.${rest}`
}

async function removeFrom(spec: NodeSpec, namespace: string, keys: readonly string[]): Promise<number> {
  const cache = await ShardedCache.create({ nodes: [spec], namespace, nodeTimeout: '1s', onNodeError: 'throw' })
  let deleted = 0
  try {
    for (let at = 0; at < keys.length; at += 500) {
      const results = await cache.deleteMany(keys.slice(at, at + 500))
      for (const { status } of results.values()) if (status === 'deleted') deleted++
    }
  } finally {
    await cache.close()
  }
  return deleted
}
