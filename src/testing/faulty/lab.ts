import { checkOneOf, checkOptions } from '../../base/check.ts'
import { OptionError, quote } from '../../base/errors.ts'
import type { MemberSpec, NodeSpec } from '../../node/spec.ts'
import { seededRandom } from '../random.ts'
import { FaultyAdapter } from './adapter.ts'
import { checkRule, type FaultRule } from './rule.ts'
import { Rules, type FaultCounts } from './rules.ts'
import { FaultyServer } from './server.ts'

/** Options of {@link faulty}. */
export interface FaultyOptions {
  /** A whole number of at least 0; 1 unless given. The same seed and the same operations give the same faults. */
  seed?: number
}

/** A node and its faults; see {@link faulty}. */
export interface FaultLab {
  /** The node to give to a cache. It has the id, and with that the place on the ring, of the one that was wrapped. */
  readonly node: NodeSpec
  /** How often each fault has struck so far: a copy. */
  readonly counts: FaultCounts
  /**
   * Adds a rule behind those that are there: for each operation they are tried in order, and the first that fits strikes.
   *
   * @returns takes the rule back; harmless when it is gone already. What hangs or waits meanwhile goes on doing so
   * @throws OptionError `ERR_OPTION` for a rule that is not one or could never strike, and past 1,000 rules
   */
  inject(rule: FaultRule): () => void
  /** Takes all rules back. The counts stay. */
  clear(): void
  /**
   * Restarts the server, as far as its clients can see: connections break, what is under way fails with `ERR_NODE_DOWN`, and
   * whoever connects then meets a server with a new `runId` and an uptime that begins at 0. Its data is as it was, as after
   * a restart from disk; to have it empty, empty it yourself (`FLUSHALL`, `flush_all`).
   *
   * @param options `member`: which one, as in a rule; all of them unless given
   * @throws OptionError `ERR_OPTION` for a member that the node does not have
   */
  restart(options?: { member?: string }): void
}

/**
 * A fault laboratory around a node: shows how your service does when a server is slow, hangs, breaks off, errs or lies,
 * without a server or a proxy. It wraps what speaks to each member of the node, its primary and its replicas. Without a rule
 * the node works as it does without the laboratory.
 *
 * A node that is given to several caches is one: its rules strike all of them.
 *
 * @param node from `memoryNode`, `redisNode`, `memcachedNode` or `customNode`; left as it is
 * @throws OptionError `ERR_OPTION`
 * @example
 * const lab = faulty(memoryNode('a'), { seed: 7 })
 * const cache = await ShardedCache.create({ nodes: [lab.node, memoryNode('b')] })
 *
 * const heal = lab.inject({ fault: 'hang', operation: 'read' })
 * await cache.getOrLoad('user:1', loadUser) // answered by the loader, within nodeTimeout and the loader's own time
 * heal()
 *
 * lab.inject({ fault: 'delay', ms: '200ms', probability: 0.1 })
 * lab.inject({ fault: 'error', keys: /^user:/, times: 3 })
 * lab.inject({ fault: 'drop', operation: 'write', member: 'primary', applied: true })
 * lab.inject({ fault: 'corrupt' })
 * lab.inject({ fault: 'down', member: 'replica' })
 * console.log(lab.counts) // { delay: 0, error: 0, hang: 1, drop: 0, corrupt: 0, down: 0 }
 * lab.clear()
 */
export function faulty(node: NodeSpec, options: FaultyOptions = {}): FaultLab {
  checkNode(node)
  const { seed = 1 } = checkOptions(options, 'the options of faulty', ['seed']) as FaultyOptions
  const rules = new Rules(seededRandom(seed))
  const servers: FaultyServer[] = []
  const wrap = (role: FaultyServer['role'], member: MemberSpec): MemberSpec => {
    const server = new FaultyServer(role, member.address)
    servers.push(server)
    const open: MemberSpec['open'] = (context) => new FaultyAdapter(member.open, context, server, rules)
    // The lab's own connection, whatever it wraps: one outside the lab must not take its place.
    return { ...member, fingerprint: server, open }
  }
  const wrapped: NodeSpec = {
    ...node,
    primary: wrap('primary', node.primary),
    replicas: node.replicas.map((replica) => wrap('replica', replica)),
  }
  const members = [...new Set(servers.flatMap(({ role, address }) => [role, address]))]
  const matching = (member: string | undefined): FaultyServer[] =>
    servers.filter(({ role, address }) => member === undefined || member === role || member === address)

  return {
    node: wrapped,
    get counts() {
      return { ...rules.counts }
    },
    inject(given) {
      const rule = checkRule(given, members)
      const takeBack = rules.add(rule)
      if (rule.effect.fault === 'down') for (const server of matching(rule.member)) server.break('was lost')
      return takeBack
    },
    clear: () => rules.clear(),
    restart(given = {}) {
      const { member } = checkOptions(given, 'the options of restart', ['member'])
      const checked = member === undefined ? undefined : checkOneOf(member, 'member', members)
      for (const server of matching(checked)) server.restart()
    },
  }
}

function checkNode(given: unknown): void {
  const { primary, replicas } = (given ?? {}) as Partial<NodeSpec>
  if (typeof primary?.open === 'function' && Array.isArray(replicas)) return
  throw new OptionError('ERR_OPTION', `faulty wraps a node, as memoryNode or redisNode make it; given: ${quote(given)}`)
}
