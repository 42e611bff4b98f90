import { OptionError, quote } from '../base/errors.ts'
import type { MemberState } from '../node/account.ts'

/** One server of a shard as a read policy sees it. */
export interface MemberView {
  readonly role: 'primary' | 'replica'
  /** `host:port`. */
  readonly address: string
  readonly zone?: string
  readonly state: MemberState
  /** Recent time of a read, in milliseconds, exponentially weighted; `undefined` before the first one. */
  readonly latency: number | undefined
}

/** What a read policy may go by. */
export interface ReadPolicyContext {
  /** The node's id. */
  readonly node: string
  /** The zone this process runs in: the cache's `zone` option. */
  readonly zone: string | undefined
  /** A number in [0, 1); seeded in tests. */
  random(): number
}

/**
 * Puts a shard's members in the order in which a read tries them; those left out are never asked, and with none at all
 * the read is a miss. `members` holds the primary first, then the replicas in the order given.
 * What it throws, the read rejects with.
 */
export type ReadPolicyFunction = (members: readonly MemberView[], context: ReadPolicyContext) => readonly MemberView[]

/**
 * Which servers of a shard answer reads.
 *
 * | policy | asks |
 * |---|---|
 * | `'prefer-primary'` | the primary; a replica only when the primary cannot be read (the default) |
 * | `'primary'` | the primary, strictly; when it cannot be read, a miss |
 * | `'replica'` | the replicas, strictly; a shard that has none is read from its primary |
 * | `'prefer-replica'` | a replica; the primary when none can be read |
 * | `'nearest'` | the member with the lowest recent latency, those of this process's zone first |
 * | a function | whatever it returns, in that order |
 *
 * Of several equal replicas a random one is asked. A read that goes on to a further member stays inside one deadline: a
 * member that has not answered in half of the time that is left is passed over when there is another one to ask.
 */
export type ReadPolicy = 'prefer-primary' | 'primary' | 'replica' | 'prefer-replica' | 'nearest' | ReadPolicyFunction

const NAMES: readonly unknown[] = ['prefer-primary', 'primary', 'replica', 'prefer-replica', 'nearest']

/** Refuses what is not a read policy. */
export function checkReadPolicy(given: unknown): ReadPolicy {
  if (typeof given === 'function' || NAMES.includes(given)) return given as ReadPolicy
  throw new OptionError('ERR_OPTION', `reads must be one of ${NAMES.join(', ')} or a function; given: ${quote(given)}`)
}

/** How often `nearest` asks a member that is not the fastest, so that a slow spell is not held against it for ever. */
const EXPLORE = 0.02

/** The order in which a read tries the members. Pure. */
export function orderMembers(
  policy: ReadPolicy,
  members: readonly MemberView[],
  context: ReadPolicyContext,
): readonly MemberView[] {
  if (typeof policy === 'function') return policy(members, context).filter((member) => members.includes(member))
  const primary = members.slice(0, 1)
  const replicas = members.slice(1)
  if (replicas.length === 0) return primary
  switch (policy) {
    case 'primary':
      return primary
    case 'prefer-primary':
      return [...primary, ...rotate(replicas, context)]
    case 'replica':
      return rotate(replicas, context)
    case 'prefer-replica':
      return [...rotate(replicas, context), ...primary]
    case 'nearest':
      return nearest(members, context)
  }
}

function nearest(members: readonly MemberView[], context: ReadPolicyContext): MemberView[] {
  const rank = ({ state, zone, latency }: MemberView): number[] => [
    state === 'down' ? 1 : 0,
    context.zone !== undefined && zone !== context.zone ? 1 : 0,
    latency ?? 0,
  ]
  const order = rotate(members, context)
    .map((member) => ({ member, rank: rank(member) }))
    .toSorted((a, b) => compare(a.rank, b.rank))
    .map(({ member }) => member)
  if (context.random() >= EXPLORE) return order
  const explored = order[Math.floor(context.random() * order.length)] as MemberView
  return [explored, ...order.filter((member) => member !== explored)]
}

function compare(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((value, index) => value !== b[index])
  return at === -1 ? 0 : (a[at] as number) - (b[at] as number)
}

function rotate(members: readonly MemberView[], context: ReadPolicyContext): MemberView[] {
  const start = members.length < 2 ? 0 : Math.floor(context.random() * members.length)
  return [...members.slice(start), ...members.slice(0, start)]
}
