import { checkCount } from '../base/check.ts'
import { OptionError, quote } from '../base/errors.ts'
import type { Hash } from '../base/hash.ts'
import type { NodeSpec } from '../node/spec.ts'
import { ring, type Ring } from '../placement/ring.ts'
import { NO_HISTORY, type History } from './history.ts'
import type { Member } from '../shard/member.ts'
import { Shard, type ShardContext } from '../shard/shard.ts'

/** An immutable snapshot: the shards and the ring that places keys on them. One operation sees one topology. */
export interface Topology {
  /** Counts up from 1 with every change. */
  readonly epoch: number
  readonly ring: Ring
  /** Aligned with `ring.ids`. */
  readonly shards: readonly Shard[]
  /** Where keys lived before. */
  readonly history: History
}

/** What the steps from one topology to the next need. */
export interface TopologyContext {
  readonly hash: Hash
  readonly points: number
  readonly shard: ShardContext
}

/** The next topology, and the members that joined and left. */
export interface Evolution {
  readonly topology: Topology
  readonly joined: readonly Member[]
  readonly left: readonly Member[]
}

/**
 * The topology with exactly these nodes. Members that are in both keep their guard and connection. Opens adapters, but no
 * connection; when it throws, nothing has changed.
 *
 * @throws OptionError `ERR_NO_NODES`, `ERR_DUPLICATE_ID`, `ERR_OPTION`
 */
export function evolve(before: Topology | undefined, nodes: readonly NodeSpec[], context: TopologyContext): Evolution {
  const specs = checkNodes(nodes)
  const placement = ring(specs, { hash: context.hash, points: context.points, ...(before && { before: before.ring }) })
  const specOf = new Map(specs.map((spec) => [spec.id, spec]))
  const shardOf = new Map(before?.shards.map((shard) => [shard.id, shard]))
  const opened: Member[] = []
  const shard = (id: string): Shard =>
    new Shard(specOf.get(id) as NodeSpec, context.shard, shardOf.get(id), (member) => opened.push(member))
  let shards: Shard[]
  try {
    shards = placement.ids.map(shard)
  } catch (error) {
    for (const { guard } of opened) void guard.close(context.shard.node.nodeTimeout)
    throw error
  }
  const topology = { epoch: (before?.epoch ?? 0) + 1, ring: placement, shards, history: before?.history ?? NO_HISTORY }
  const old = membersOf(before)
  const now = membersOf(topology)
  const without = (some: readonly Member[], others: readonly Member[]): Member[] => {
    const guards = new Set(others.map(({ guard }) => guard))
    return some.filter(({ guard }) => !guards.has(guard))
  }
  return { topology, joined: without(now, old), left: without(old, now) }
}

/** All members of all shards. */
export function membersOf(topology: Topology | undefined): Member[] {
  return topology?.shards.flatMap(({ members }) => members) ?? []
}

/** The option that {@link evolve} takes from the cache's options. */
export function checkPoints(given: unknown): number {
  return checkCount(given, 'points')
}

function checkNodes(nodes: unknown): NodeSpec[] {
  if (!Array.isArray(nodes)) {
    throw new OptionError('ERR_OPTION', `nodes must be an array; given: ${quote(nodes)}`)
  }
  if (nodes.length === 0) throw new OptionError('ERR_NO_NODES', 'a cache needs at least one node; given: none')
  return nodes.map((node: Partial<NodeSpec> | null | undefined, index) => {
    if (typeof node?.id === 'string' && typeof node.primary?.open === 'function') return node as NodeSpec
    const how = 'must come from redisNode, memcachedNode, memoryNode or customNode'
    throw new OptionError('ERR_OPTION', `nodes[${index}] ${how}; given: ${quote(node)}`)
  })
}
