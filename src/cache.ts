import { checkText } from './base/check.ts'
import type { CacheEvents, EventType } from './base/events.ts'
import { withNode, withoutNode, withWeight } from './cluster/cluster.ts'
import type { CacheFace } from './face.ts'
import { cacheHealth, cacheStats, type CacheHealth, type CacheStats } from './health.ts'
import { buildHouse, type House } from './house.ts'
import type { NodeSpec } from './node/spec.ts'
import { Operations } from './operations.ts'
import {
  checkCacheOptions,
  checkSpaceOptions,
  type CacheOptions,
  type SpaceOptions,
  type SpaceSettings,
} from './options.ts'
import type { PlacementDiff } from './placement/diff.ts'
import { createFace } from './view.ts'

/** A typed view of a cache: its keys stand behind a prefix, its values have one type and codec. Made by `cache.space`. */
export type Space<V> = CacheFace<V>

/**
 * Many plain nodes as one cache: made by `ShardedCache.create`. Besides the methods on keys ({@link CacheFace}) it has those
 * on the nodes and on itself. Its methods are bound: they may be passed around.
 */
export interface ShardedCache extends CacheFace<unknown> {
  /**
   * A typed view: keys get `name:` in front, and options of its own replace the cache's. A view costs nothing; make as many
   * as there are kinds of values. Views of the same keys must have the same codec: they share nodes and L1.
   *
   * @example
   * const users = cache.space<User>('user', { ttl: '1h' })
   * await users.set('1', user) // the key 'user:1'
   */
  space<V = unknown>(name: string, options?: SpaceOptions): Space<V>

  /**
   * Makes this list the topology: a new epoch, swapped in whole. Nodes with the same id and address keep their connection;
   * calls under way finish on the nodes they began with; nodes that leave are drained and closed.
   *
   * @returns who gives which share of the key space to whom
   * @throws OptionError `ERR_NO_NODES`, `ERR_DUPLICATE_ID`, `ERR_OPTION`; NodeError `ERR_AUTH`. Then nothing has changed.
   */
  setNodes(nodes: readonly NodeSpec[]): Promise<PlacementDiff>

  /**
   * Adds one node; see {@link ShardedCache.setNodes}.
   *
   * @example
   * const { moved } = await cache.addNode(redisNode('redis://10.0.0.5:6379', { id: 'e' })) // 0.2 with five nodes
   */
  addNode(node: NodeSpec): Promise<PlacementDiff>

  /** Removes one node by its id; see {@link ShardedCache.setNodes}. `ERR_UNKNOWN_NODE` when there is none. */
  removeNode(id: string): Promise<PlacementDiff>

  /** Gives one node another weight; see {@link ShardedCache.setNodes}. `ERR_UNKNOWN_NODE` when there is none. */
  reweight(id: string, weight: number): Promise<PlacementDiff>

  /**
   * Listens to an event. A listener that throws harms nobody; see {@link CacheEvents} for what there is.
   *
   * @returns the function that stops listening
   * @example
   * const off = cache.on('node-error', ({ node, code }) => log.warn({ node, code }))
   */
  on<T extends EventType>(type: T, listener: (event: CacheEvents[T]) => unknown): () => void

  /** Asks every server about itself, each within the node time-out, and sums up. Never rejects because a node is down. */
  health(): Promise<CacheHealth>

  /** Counters, bytes and times since `create`. Plain data, cheap; asks nobody. */
  stats(): CacheStats

  /**
   * Lets go of all nodes: loads under way reject with `ERR_CLOSED`, calls under way on nodes settle within the node
   * time-out, connections close. Clients passed in stay open. Idempotent.
   */
  close(): Promise<void>

  /** The same as `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>
}

/** Makes caches; see {@link ShardedCache.create}. */
export const ShardedCache: {
  /**
   * Connects to the nodes and resolves to the cache.
   *
   * Fails for what a person must fix: a bad option or URL, a wrong password, two nodes with one id. It does not fail because
   * a node is down: that node is tried on, and its keys are misses until it is back.
   *
   * @throws OptionError `ERR_OPTION`, `ERR_NO_NODES`, `ERR_DUPLICATE_ID`
   * @throws NodeError `ERR_AUTH`
   * @example
   * const cache = await ShardedCache.create({
   *   nodes: [
   *     redisNode('redis://10.0.0.1:6379', { id: 'a', weight: 2, replicas: ['redis://10.0.0.4:6379'] }),
   *     memcachedNode('memcached://10.0.0.2:11211', { id: 'b' }),
   *   ],
   *   l1: { max: 10_000, ttl: '5s' },
   *   ttl: '5m',
   * })
   */
  create(options: CacheOptions): Promise<ShardedCache>
} = {
  async create(options) {
    return createCache(await buildHouse(checkCacheOptions(options)))
  },
}

function createCache(house: House): ShardedCache {
  const { cluster, settings, events } = house
  const view = <V>(prefix: string, own: SpaceSettings): CacheFace<V> =>
    createFace<V>(new Operations(house, prefix, own), (schema) => view(prefix, checkSpaceOptions({ schema }, own)))
  const change = async (next: (nodes: NodeSpec[]) => readonly NodeSpec[]): Promise<PlacementDiff> => {
    house.assertOpen()
    return cluster.change(next)
  }
  return {
    ...view<unknown>('', settings),
    space: <V>(name: string, given?: SpaceOptions): Space<V> => {
      const prefix = `${checkText(name, 'the name of a space')}:`
      return view<V>(prefix, checkSpaceOptions(given, settings))
    },
    setNodes: (nodes) => change(() => nodes),
    addNode: (node) => change((nodes) => withNode(nodes, node)),
    removeNode: (id) => change((nodes) => withoutNode(nodes, id)),
    reweight: (id, weight) => change((nodes) => withWeight(nodes, id, weight)),
    on: (type, listener) => events.on(type, listener),
    health: async () => {
      house.assertOpen()
      return cacheHealth(house)
    },
    stats: () => cacheStats(house),
    close: () => house.close(),
    [Symbol.asyncDispose]: () => house.close(),
  }
}
