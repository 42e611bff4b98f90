import type { CacheEvents } from '../base/events.ts'
import { CacheError, OptionError, quote } from '../base/errors.ts'
import type { NodeSpec } from '../node/spec.ts'
import { diff, type PlacementDiff } from '../placement/diff.ts'
import { checkWeight } from '../placement/ring.ts'
import type { Member } from '../shard/member.ts'
import { Departed } from './departed.ts'
import type { Ejector } from './ejector.ts'
import { remember } from './history.ts'
import { Router } from './router.ts'
import { evolve, membersOf, type Topology, type TopologyContext } from './topology.ts'

/** How long `create` and `setNodes` wait for a node to answer before they go on without it, in milliseconds. */
const CONNECT_MS = 2_000
/** How long closing waits for a change of the nodes, in milliseconds. */
const MAX_WAIT = 450

/** What a cluster needs. */
export interface ClusterContext extends TopologyContext {
  /** Finds the way round nodes that cannot be asked; their keys are misses without it. */
  readonly ejector: Ejector | undefined
  /** Told when the topology has been swapped for another one. */
  changed(): void
}

/** The topology of the moment, and the steps from one to the next: one at a time, each swapped in whole. */
export class Cluster {
  readonly router: Router
  readonly #context: ClusterContext
  #topology: Topology
  readonly #departed = new Departed()
  #changes: Promise<unknown> = Promise.resolve()
  /** The servers that the change under way waits for. */
  #joining: readonly Member[] = []
  #closed = false

  private constructor(topology: Topology, context: ClusterContext) {
    this.#topology = topology
    this.#context = context
    this.router = new Router(() => this.#topology, context.ejector)
    attachAll(topology)
  }

  /**
   * Connects to all nodes. Fails for what a person must fix, not because a node is down.
   *
   * @throws OptionError `ERR_NO_NODES`, `ERR_DUPLICATE_ID`, `ERR_OPTION`
   * @throws NodeError `ERR_AUTH`
   */
  static async create(nodes: readonly NodeSpec[], context: ClusterContext): Promise<Cluster> {
    const { topology, joined } = evolve(undefined, nodes, context)
    await connectAll(joined, context.shard.node.nodeTimeout)
    return new Cluster(topology, context)
  }

  get topology(): Topology {
    return this.#topology
  }

  /** The nodes as they are now. */
  get nodes(): NodeSpec[] {
    return this.#topology.shards.map(({ spec }) => spec)
  }

  /** Whether a node's keys go to the next one on the ring now. */
  ejected(id: string): boolean {
    return this.#context.ejector?.isOut(id) ?? false
  }

  /**
   * Makes the list given (or what `change` makes of the list of the moment) the topology. Operations that run finish on
   * the topology they began with; members that leave are closed when nothing is under way on them.
   */
  change(change: (nodes: NodeSpec[]) => readonly NodeSpec[]): Promise<PlacementDiff> {
    const result = this.#changes.then(() => this.#change(change(this.nodes)))
    this.#changes = result.catch(() => {})
    return result
  }

  /** Lets go of all nodes, within a second whatever they do. A change under way finishes, unless its nodes keep it waiting. */
  async close(): Promise<void> {
    this.#closed = true
    const { nodeTimeout } = this.#context.shard.node
    flushAll(this.#topology)
    for (const { ledger } of this.#topology.shards) ledger.close()
    const before = membersOf(this.#topology)
    const change = this.#settledWithin(MAX_WAIT).then(async (settled) => {
      if (!settled) await closeAll(this.#joining, 1)
      await this.#changes
    })
    await Promise.all([closeAll(before, nodeTimeout), change])
    const after = membersOf(this.#topology).filter(({ guard }) => !before.some((member) => member.guard === guard))
    await closeAll(after, nodeTimeout)
  }

  /** Whether the changes that were asked for have settled by then. */
  #settledWithin(ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const deadline = this.#context.shard.deadlines.set(ms, () => resolve(false))
      void this.#changes.then(() => {
        deadline.cancel()
        resolve(true)
      })
    })
  }

  async #change(nodes: readonly NodeSpec[]): Promise<PlacementDiff> {
    if (this.#closed) throw new CacheError('ERR_CLOSED', 'the cache was closed')
    const { shard } = this.#context
    const before = this.#topology
    const { topology, joined, left } = evolve(before, nodes, this.#context)
    this.#joining = joined
    await connectAll(joined, shard.node.nodeTimeout)
    this.#joining = []
    const now = shard.stamps.fence()
    this.#departed.fence(joined, now)
    this.#topology = { ...topology, history: remember(before.history, before.ring, now) }
    attachAll(topology)
    this.#context.changed()
    flushAll(before)
    this.#departed.add(left)
    this.#context.ejector?.keep(topology.ring.ids)
    const moves = diff(before.ring, topology.ring)
    for (const { id, ledger } of before.shards) if (!topology.ring.ids.includes(id)) ledger.close()
    if (shard.events.wanted('topology')) shard.events.emit(topologyEvent(before, topology, moves, shard.clock.now()))
    await closeAll(left, shard.node.nodeTimeout)
    return moves
  }
}

/** The list with one node more. */
export function withNode(nodes: readonly NodeSpec[], node: NodeSpec): NodeSpec[] {
  return [...nodes, node]
}

/**
 * The list without one node.
 *
 * @throws OptionError `ERR_UNKNOWN_NODE`
 */
export function withoutNode(nodes: readonly NodeSpec[], id: string): NodeSpec[] {
  const rest = nodes.filter((node) => node.id !== id)
  if (rest.length === nodes.length) throw unknownNode(nodes, id)
  return rest
}

/**
 * The list with another weight for one node.
 *
 * @throws OptionError `ERR_UNKNOWN_NODE`, `ERR_OPTION`
 */
export function withWeight(nodes: readonly NodeSpec[], id: string, weight: number): NodeSpec[] {
  const checked = checkWeight(weight, id)
  if (!nodes.some((node) => node.id === id)) throw unknownNode(nodes, id)
  return nodes.map((node) => (node.id === id ? { ...node, weight: checked } : node))
}

function unknownNode(nodes: readonly NodeSpec[], id: string): OptionError {
  const known = nodes.map((node) => node.id).join(', ')
  return new OptionError('ERR_UNKNOWN_NODE', `there is no node ${quote(id)}; there are: ${known}`)
}

/** From now on, what nodes missed is told to the primaries of this topology. */
function attachAll({ shards }: Topology): void {
  for (const { ledger, primary } of shards) ledger.attach(primary)
}

/** What has been asked of the nodes of this topology is sent before any of them is closed. */
function flushAll({ shards }: Topology): void {
  for (const shard of shards) shard.gather.flush()
}

async function connectAll(members: readonly Member[], nodeTimeout: number): Promise<void> {
  const connected = await Promise.allSettled(
    members.map(({ guard }) => guard.connect(Math.max(CONNECT_MS, nodeTimeout))),
  )
  const refusal = connected.find(
    (result) => result.status === 'rejected' && (result.reason as { code?: unknown }).code === 'ERR_AUTH',
  )
  if (refusal?.status !== 'rejected') return
  await closeAll(members, nodeTimeout)
  throw refusal.reason
}

async function closeAll(members: readonly Member[], nodeTimeout: number): Promise<void> {
  await Promise.all(members.map(({ guard }) => guard.close(nodeTimeout)))
}

function topologyEvent(
  before: Topology,
  after: Topology,
  { moved }: PlacementDiff,
  at: number,
): CacheEvents['topology'] {
  const { ids: old } = before.ring
  const { ids } = after.ring
  return {
    type: 'topology',
    epoch: after.epoch,
    added: ids.filter((id) => !old.includes(id)),
    removed: old.filter((id) => !ids.includes(id)),
    moved,
    at,
  }
}
