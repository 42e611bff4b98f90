import type { Budget } from '../base/budget.ts'
import { NodeError } from '../base/errors.ts'
import { isFailure, type RemoveOutcome, type WriteItem, type WriteOutcome } from '../node/contract.ts'
import type {
  ExpireRequest,
  FillRequest,
  HolderOutcome,
  LeaseOutcome,
  LeaseRequest,
  RenewRequest,
  TokenRequest,
} from '../node/atomic.ts'
import { Guard, type GuardContext } from '../node/guard.ts'
import { expireEntries, fillLeased, hasLeases, releaseLeases, renewLeases, takeLeases } from '../node/leasing.ts'
import type { MemberSpec, NodeSpec } from '../node/spec.ts'
import { noAnswers, type Answers } from './answers.ts'
import { Gather } from './gather.ts'
import type { JournalLimits } from './journal.ts'
import { Ledger, type Begun } from './ledger.ts'
import { orderOf, type Member } from './member.ts'
import { removedOf, storedOf, type Removal, type Stored } from './outcomes.ts'
import type { ReadPolicy } from './read-policy.ts'
import { readFromOnly, readInOrder, type ReadingContext } from './reading.ts'
import { MOST_WAITING } from './turn.ts'

/** What shards share within one cache. */
export interface ShardContext extends GuardContext {
  /** The zone this process runs in. */
  readonly zone: string | undefined
  readonly journal: JournalLimits
  readonly budget: Budget
  /** How many more commands a read may cost. */
  readonly retries: number
}

/**
 * A node at run time: writes go to its primary, reads to the members in the order of a policy. Immutable; a change of the
 * node makes a new shard that takes over the members that stay, and the ledger.
 */
export class Shard {
  readonly spec: NodeSpec
  readonly members: readonly Member[]
  readonly ledger: Ledger
  /** What calls for single keys are put together with. */
  readonly gather: Gather
  readonly #context: ShardContext
  readonly #reading: ReadingContext

  /**
   * @param before the shard with this id in the topology before, whose members go on where they are the same
   * @param opened told of every member that is new
   */
  constructor(spec: NodeSpec, context: ShardContext, before?: Shard, opened?: (member: Member) => void) {
    this.spec = spec
    this.#context = context
    const { clock, events, stamps, journal, node } = context
    const free = [...(before?.members ?? [])]
    const member = (role: Member['role'], wanted: MemberSpec): Member => {
      const at = free.findIndex(({ spec: { fingerprint } }) => fingerprint === wanted.fingerprint)
      if (at !== -1) return { role, spec: wanted, guard: (free.splice(at, 1)[0] as Member).guard }
      const made = { role, spec: wanted, guard: new Guard(spec.id, (given) => wanted.open(given), context) }
      const same = before?.members.find((one) => one.spec.address === wanted.address)
      if (same) made.guard.acquaintance.follow(same.guard.acquaintance)
      opened?.(made)
      return made
    }
    const primary = member('primary', spec.primary)
    this.members = [primary, ...spec.replicas.map((replica) => member('replica', replica))]
    for (const { guard, role } of this.members) {
      guard.acquaintance.primary = role === 'replica' ? primary.guard.acquaintance : undefined
    }
    const replicated = this.members.length > 1
    this.ledger =
      before?.ledger ??
      new Ledger(spec.id, { clock, events, stamps, journal, nodeTimeout: node.nodeTimeout }, replicated)
    this.ledger.replicated = replicated
    // Not made here: it would hold on to what this constructor was given, and so to every shard before this one.
    this.#reading = readingContext(context, primary.guard, this.#tellFailover.bind(this))
    this.gather = new Gather({
      clock,
      read: this.#beginRead.bind(this),
      write: this.#beginWrite.bind(this),
      lease: this.lease.bind(this),
      fill: this.fill.bind(this),
      refuse: this.#refuse.bind(this),
    })
  }

  get id(): string {
    return this.spec.id
  }

  get primary(): Guard {
    return (this.members[0] as Member).guard
  }

  /**
   * Reads keys within `ms` altogether. A key that the node has still to remove is a miss; one that this process changed a
   * moment ago is read from the primary, whatever the policy says.
   */
  read(keys: readonly string[], policy: ReadPolicy, ms: number): Promise<Answers> {
    return new Promise((resolve, reject) => this.#beginRead(keys, policy, ms, resolve, reject))
  }

  #beginRead(
    keys: readonly string[],
    policy: ReadPolicy,
    ms: number,
    came: (answers: Answers) => void,
    failed: (error: unknown) => void,
    now?: number,
  ): void {
    this.gather.release(keys)
    const single = this.members.length === 1 && typeof policy === 'string'
    if (single && this.ledger.backlog === 0) readFromOnly(this.primary, keys, ms, this.#reading, came, failed, now)
    else this.#readInParts(keys, policy, ms, single).then(came, failed)
  }

  async #readInParts(keys: readonly string[], policy: ReadPolicy, ms: number, single: boolean): Promise<Answers> {
    const { ledger } = this
    const groups = { owed: [] as number[], recent: [] as number[], rest: [] as number[] }
    for (const [at, key] of keys.entries()) {
      if (ledger.owed(key)) groups.owed.push(at)
      else if (!single && ledger.recent(key)) groups.recent.push(at)
      else groups.rest.push(at)
    }
    const order = this.#order(policy)
    if (groups.rest.length === keys.length) return readInOrder(order, keys, ms, this.#reading)
    const answers = noAnswers(keys.length)
    const ask = async (members: readonly Guard[], group: readonly number[]): Promise<void> => {
      if (group.length === 0) return
      const some = group.map((at) => keys[at] as string)
      answers.put(group, await readInOrder(members, some, ms, this.#reading))
    }
    await Promise.all([ask(order.length > 0 ? [this.primary] : [], groups.recent), ask(order, groups.rest)])
    return answers
  }

  /**
   * Writes entries to the primary.
   *
   * @param replaces whether an older value must not stay readable when the write fails: it is removed then, or noted down
   */
  write(items: readonly WriteItem[], ms: number, replaces: boolean): Promise<WriteOutcome[]> {
    return new Promise((resolve) => this.#beginWrite(items, ms, replaces, resolve))
  }

  #beginWrite(
    items: readonly WriteItem[],
    ms: number,
    replaces: boolean,
    came: (outcomes: WriteOutcome[]) => void,
  ): void {
    const keys: string[] = []
    for (const { key } of items) keys.push(key)
    this.gather.release(keys)
    const begun = this.ledger.begin(keys)
    this.primary.beginWrite(items, ms, (outcomes) => came(this.#written(keys, outcomes, begun, replaces)))
  }

  /** Whether its primary has leases. */
  get leases(): boolean {
    return hasLeases(this.primary)
  }

  /** Whether it is worth a write that nobody misses; see `Guard.responsive`. */
  get responsive(): boolean {
    return this.primary.responsive
  }

  /** The largest value, in bytes, that it can hold. */
  get maxValueBytes(): number {
    return this.primary.adapter.limits.maxValueBytes
  }

  /** Takes leases at the primary. On a key that the node has still to remove there is none. */
  async lease(requests: readonly LeaseRequest[], ms: number): Promise<LeaseOutcome[]> {
    this.gather.release(requests.map(({ key }) => key))
    const free = requests.filter(({ key }) => !this.ledger.owed(key))
    const outcomes = free.length > 0 ? await takeLeases(this.primary, free, ms) : []
    if (free.length === requests.length) return outcomes
    let next = 0
    return requests.map((request) => (free[next] === request ? (outcomes[next++] as LeaseOutcome) : OWED))
  }

  renew(requests: readonly RenewRequest[], ms: number): Promise<HolderOutcome[]> {
    this.gather.release(requests.map(({ key }) => key))
    return renewLeases(this.primary, requests, ms)
  }

  release(requests: readonly TokenRequest[], ms: number): Promise<HolderOutcome[]> {
    // One that is about to be taken would otherwise be taken behind its back.
    this.gather.release(requests.map(({ key }) => key))
    return releaseLeases(this.primary, requests, ms)
  }

  /**
   * Writes entries under their leases.
   *
   * @param replaces as of {@link Shard.write}
   */
  async fill(requests: readonly FillRequest[], ms: number, replaces: boolean): Promise<Stored[]> {
    const keys = requests.map(({ key }) => key)
    this.gather.release(keys)
    const begun = this.ledger.begin(keys)
    const outcomes = await fillLeased(this.primary, requests, ms)
    return this.#written(keys, outcomes.map(storedOf), begun, replaces)
  }

  /**
   * Makes entries out of date; removes them where the primary has no leases, or has still to remove the key. What it misses
   * is noted down.
   */
  async expire(requests: readonly ExpireRequest[], ms: number): Promise<Removal[]> {
    const keys = requests.map(({ key }) => key)
    if (!this.leases || keys.some((key) => this.ledger.owed(key))) return this.remove(keys, ms)
    this.gather.release(keys)
    const begun = this.ledger.begin(keys)
    const outcomes = await expireEntries(this.primary, requests, ms)
    return this.#removed(keys, outcomes.map(removedOf), begun)
  }

  /** Removes keys from the primary; what it misses is noted down. */
  async remove(keys: readonly string[], ms: number): Promise<Removal[]> {
    this.gather.release(keys)
    const begun = this.ledger.begin(keys)
    return this.#removed(keys, await this.primary.remove(keys, ms), begun)
  }

  #written<T extends Stored>(keys: readonly string[], outcomes: T[], begun: Begun, replaces: boolean): T[] {
    this.ledger.ended(begun)
    const failed: string[] = []
    for (let i = 0; i < keys.length; i++) {
      const outcome = outcomes[i]
      if (outcome === 'stored') this.ledger.settled(keys[i] as string, begun)
      else if (replaces && isFailure(outcome)) failed.push(keys[i] as string)
    }
    if (failed.length > 0) this.ledger.missed(failed)
    return outcomes
  }

  #removed(keys: readonly string[], outcomes: readonly RemoveOutcome[], begun: Begun): Removal[] {
    this.ledger.ended(begun)
    const failed: string[] = []
    for (const [i, outcome] of outcomes.entries()) {
      if (isFailure(outcome)) failed.push(keys[i] as string)
      else this.ledger.settled(keys[i] as string, begun)
    }
    const noted = failed.length > 0 ? this.ledger.missed(failed) : []
    let next = 0
    return outcomes.map((outcome) =>
      isFailure(outcome) ? { status: noted[next++] ? 'journaled' : 'failed', error: outcome } : { status: outcome },
    )
  }

  /** @param missed a key that was to be replaced, and is not sent */
  #refuse(operation: 'read' | 'write' | 'lease', missed: string | undefined): NodeError {
    if (missed !== undefined) this.ledger.missed([missed])
    return this.primary.refuse(operation, `${MOST_WAITING} ${operation}s already wait for the node ${this.id}`)
  }

  #order(policy: ReadPolicy): Guard[] {
    const { zone } = this.#context
    return orderOf(this.members, policy, { node: this.id, zone, random: () => this.#context.random() })
  }

  #tellFailover(from: Guard, to: Guard, keys: number): void {
    const { events, clock } = this.#context
    if (keys === 0 || !events.wanted('failover')) return
    const at = clock.now()
    events.emit({ type: 'failover', node: this.id, from: this.#address(from), to: this.#address(to), keys, at })
  }

  #address(guard: Guard): string {
    return (this.members.find((member) => member.guard === guard) as Member).spec.address
  }
}

const OWED = new NodeError('ERR_NODE_DOWN', 'the node has still to be told that the key was removed')

function readingContext(
  context: ShardContext,
  primary: Guard,
  failedOver: ReadingContext['failedOver'],
): ReadingContext {
  return { ...context, primary, random: () => context.random(), failedOver }
}
