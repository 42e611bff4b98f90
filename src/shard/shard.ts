import { isFailure, type ReadOutcome, type RemoveOutcome, type WriteItem, type WriteOutcome } from '../node/contract.ts'
import { Guard, type GuardContext } from '../node/guard.ts'
import type { MemberSpec, NodeSpec } from '../node/spec.ts'
import { orderMembers, type MemberView, type ReadPolicy, type ReadPolicyContext } from './read-policy.ts'

/** What shards share within one cache. */
export interface ShardContext extends GuardContext {
  /** The zone this process runs in. */
  readonly zone: string | undefined
  random(): number
}

/** One server of a shard at run time. */
export interface Member {
  readonly role: 'primary' | 'replica'
  readonly spec: MemberSpec
  readonly guard: Guard
}

/**
 * A node at run time: writes go to its primary, reads to the members in the order of a policy. Immutable; a change of the
 * node makes a new shard that takes over the members that stay.
 */
export class Shard {
  readonly spec: NodeSpec
  readonly members: readonly Member[]
  readonly #context: ShardContext

  /**
   * @param before the shard with this id in the topology before, whose members go on where they are the same
   * @param opened told of every guard that is new
   */
  constructor(spec: NodeSpec, context: ShardContext, before?: Shard, opened?: (guard: Guard) => void) {
    this.spec = spec
    this.#context = context
    const free = [...(before?.members ?? [])]
    const member = (role: Member['role'], wanted: MemberSpec): Member => {
      const at = free.findIndex(({ spec: { fingerprint } }) => fingerprint === wanted.fingerprint)
      if (at !== -1) return { role, spec: wanted, guard: (free.splice(at, 1)[0] as Member).guard }
      const guard = new Guard(spec.id, wanted.open({ ...context.node, identified: () => {} }), context)
      opened?.(guard)
      return { role, spec: wanted, guard }
    }
    this.members = [member('primary', spec.primary), ...spec.replicas.map((replica) => member('replica', replica))]
  }

  get id(): string {
    return this.spec.id
  }

  get primary(): Guard {
    return (this.members[0] as Member).guard
  }

  /** Reads keys within `ms` altogether, going on to further members for those that failed, as the policy says. */
  async read(keys: readonly string[], policy: ReadPolicy, ms: number): Promise<ReadOutcome[]> {
    if (this.members.length === 1 && typeof policy === 'string') return this.primary.read(keys, ms)
    const order = this.#order(policy)
    const first = order[0]
    if (!first) return keys.map(() => undefined)
    const { clock } = this.#context
    const end = clock.monotonic() + ms
    const outcomes = await first.guard.read(keys, order.length > 1 ? ms / 2 : ms)
    for (const [index, member] of order.entries()) {
      if (index === 0) continue
      const failed = outcomes.flatMap((outcome, at) => (isFailure(outcome) ? [at] : []))
      const left = end - clock.monotonic()
      if (failed.length === 0 || left < 1) break
      const again = await member.guard.read(
        failed.map((at) => keys[at] as string),
        index < order.length - 1 ? left / 2 : left,
      )
      for (const [i, at] of failed.entries()) outcomes[at] = again[i]
      this.#tellFailover(first, member, again)
    }
    return outcomes
  }

  write(items: readonly WriteItem[], ms: number): Promise<WriteOutcome[]> {
    return this.primary.write(items, ms)
  }

  remove(keys: readonly string[], ms: number): Promise<RemoveOutcome[]> {
    return this.primary.remove(keys, ms)
  }

  #order(policy: ReadPolicy): Member[] {
    const { zone } = this.#context
    const context: ReadPolicyContext = { node: this.id, zone, random: this.#context.random }
    const views = new Map<MemberView, Member>()
    for (const member of this.members) views.set(viewOf(member), member)
    return orderMembers(policy, [...views.keys()], context).flatMap((view) => views.get(view) ?? [])
  }

  #tellFailover(first: Member, member: Member, outcomes: readonly ReadOutcome[]): void {
    const { events, clock } = this.#context
    const keys = outcomes.filter((outcome) => !isFailure(outcome)).length
    if (keys === 0 || !events.wanted('failover')) return
    const from = first.spec.address
    events.emit({ type: 'failover', node: this.id, from, to: member.spec.address, keys, at: clock.now() })
  }
}

function viewOf({ role, spec, guard }: Member): MemberView {
  const { address, zone } = spec
  return { role, address, state: guard.state, latency: guard.latency, ...(zone === undefined ? {} : { zone }) }
}
