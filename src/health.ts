import { infoOf } from './node/powers.ts'
import type { CircuitState, DropReason } from './base/events.ts'
import type { ErrorCode } from './base/errors.ts'
import type { House } from './house.ts'
import type { LoadCounts } from './loading/tally.ts'
import type { NodeInfo } from './node/contract.ts'
import type { MemberCounts, MemberState } from './node/account.ts'
import type { JournalCounts } from './shard/ledger.ts'
import type { Member } from './shard/member.ts'
import type { L1Stats } from './tier/l1.ts'

/** One server in `stats()`. Counts of keys since it joined; `latency` is a recent read's time in milliseconds. */
export interface MemberStats extends MemberCounts {
  address: string
  role: 'primary' | 'replica'
  state: MemberState
  circuit: CircuitState
  latency: number | undefined
}

/** The journal of one node: what waits now, and what was done since `create`. */
export interface JournalStats extends JournalCounts {
  /** Keys that wait to be removed. */
  keys: number
  bytes: number
}

/** One node in `stats()`. */
export interface NodeStats {
  id: string
  weight: number
  /** Whether its keys go to the next node on the ring now; always false without the option `eject`. */
  ejected: boolean
  journal: JournalStats
  members: MemberStats[]
}

/** What `stats()` gives: plain data, counted since `create`. */
export interface CacheStats {
  /** Keys asked for that were found, in whichever tier. */
  hits: number
  /** Keys asked for that were not. */
  misses: number
  /** Absent without L1. */
  l1?: L1Stats
  nodes: NodeStats[]
  loads: LoadCounts & {
    /** Flights under way now. */
    running: number
    /** Loads that wait for their turn; see `maxConcurrentLoads`. */
    queued: number
  }
  /** What was given up, by reason. */
  dropped: Record<DropReason, number>
  topology: { epoch: number; nodes: number; points: number }
  /** How many times an event listener threw or rejected. */
  listenerFailures: number
}

/** One server in `health()`. */
export interface MemberHealth {
  address: string
  /** What the server says it is. */
  role: NodeInfo['role']
  state: 'up' | 'down'
  /** How far it is behind its primary, in bytes of the replication stream. */
  lagBytes?: number
}

/** One node in `health()`. */
export interface NodeHealth extends MemberHealth {
  id: string
  replicas: MemberHealth[]
}

/** Something a person should look at. */
export interface HealthIssue {
  code: ErrorCode | 'ROLE' | 'REPLICATION_LAG' | 'JOURNAL'
  /** The node's id. */
  node: string
  text: string
}

/** What `health()` gives. */
export interface CacheHealth {
  /** Whether every server answered and is what it should be. */
  healthy: boolean
  /** Hits among all keys asked for since `create`, 0 to 1; 0 before the first. */
  hitRate: number
  /** Keys on the primaries that answered, whoever wrote them. */
  totalKeys: number
  /** Bytes of memory that the primaries that answered use. */
  totalMemory: number
  nodes: NodeHealth[]
  issues: HealthIssue[]
}

/** How far a replica may be behind before `health()` makes it an issue: 1 MiB. */
const LAG_LIMIT = 1024 * 1024

/** Counters of the whole house. Cheap: asks nobody. */
export function cacheStats(house: House): CacheStats {
  const { tally, tiers, cluster, drops, events, flights, origin } = house
  const { epoch, shards, ring } = cluster.topology
  return {
    hits: tally.hits,
    misses: tally.misses,
    ...(tiers.l1 && { l1: tiers.l1.stats() }),
    nodes: shards.map(({ id, spec, ledger, members }) => ({
      id,
      weight: spec.weight,
      ejected: cluster.ejected(id),
      journal: { keys: ledger.backlog, bytes: ledger.bytes, ...ledger.counts },
      members: members.map(memberStats),
    })),
    loads: { ...tally.loads, running: flights.size, queued: origin.queued },
    dropped: { ...drops.counts },
    topology: { epoch, nodes: shards.length, points: ring.points.length },
    listenerFailures: events.listenerFailures,
  }
}

function memberStats({ role, spec, guard }: Member): MemberStats {
  return {
    address: spec.address,
    role,
    state: guard.state,
    circuit: guard.circuit,
    latency: guard.latency,
    ...guard.counts,
  }
}

/** Asks every server about itself, all at once, each within the node time-out. */
export async function cacheHealth(house: House): Promise<CacheHealth> {
  const { tally, cluster, settings } = house
  const issues: HealthIssue[] = []
  let totalKeys = 0
  let totalMemory = 0
  const nodes = await Promise.all(
    cluster.topology.shards.map(async ({ id, members, ledger }): Promise<NodeHealth> => {
      const infos = await Promise.all(members.map(({ guard }) => infoOf(guard, settings.nodeTimeout)))
      const primary = infos[0]
      totalKeys += primary?.keys ?? 0
      totalMemory += primary?.bytes ?? 0
      const [first, ...replicas] = members.map((member, i) => memberHealth(member, infos[i], primary))
      const health = { id, ...(first as MemberHealth), replicas }
      members.forEach((member, i) => issues.push(...memberIssues(id, member, infos[i], [first, ...replicas][i]!)))
      if (ledger.backlog > 0) {
        issues.push({ code: 'JOURNAL', node: id, text: `keys that wait to be removed from it: ${ledger.backlog}` })
      }
      return health
    }),
  )
  const asked = tally.hits + tally.misses
  const hitRate = asked === 0 ? 0 : tally.hits / asked
  return { healthy: issues.length === 0, hitRate, totalKeys, totalMemory, nodes, issues }
}

function memberHealth(
  { role, spec, guard }: Member,
  info: NodeInfo | undefined,
  primary: NodeInfo | undefined,
): MemberHealth {
  const up = guard.state !== 'down'
  const ends = [primary?.replicationOffset, info?.replicationOffset] as const
  const lag =
    role === 'replica' && ends[0] !== undefined && ends[1] !== undefined ? Math.max(0, ends[0] - ends[1]) : undefined
  return {
    address: spec.address,
    role: info?.role ?? 'unknown',
    state: up ? 'up' : 'down',
    ...(lag !== undefined && { lagBytes: lag }),
  }
}

function memberIssues(
  node: string,
  { role, spec, guard }: Member,
  info: NodeInfo | undefined,
  health: MemberHealth,
): HealthIssue[] {
  if (health.state === 'down') {
    const { code = 'ERR_NODE_DOWN', message = `${spec.address} does not answer` } = guard.problem ?? {}
    return [{ code, node, text: `${role}: ${message}` }]
  }
  if (info && info.role !== 'unknown' && info.role !== role) {
    return [{ code: 'ROLE', node, text: `${spec.address} was given as ${role}, and says it is a ${info.role}` }]
  }
  if ((health.lagBytes ?? 0) > LAG_LIMIT) {
    return [
      { code: 'REPLICATION_LAG', node, text: `replica ${spec.address} is ${health.lagBytes} bytes behind its primary` },
    ]
  }
  return []
}
