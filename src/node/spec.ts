import { checkFunction, checkOptions, checkText } from '../base/check.ts'
import type { Clock } from '../base/clock.ts'
import { OptionError, quote } from '../base/errors.ts'
import { checkWeight } from '../placement/ring.ts'
import type { NodeAdapter, NodeIdentity } from './contract.ts'

/** What the cache tells an adapter when it opens it. */
export interface NodeContext {
  /** The deadline of one operation, in milliseconds. */
  readonly nodeTimeout: number
  readonly clock: Clock
  /**
   * To be called on each new connection, with who answers there, before any reply of it reaches a caller: entries that a
   * restarted server brings back from its disk are recognised by it. Must not throw, and does not.
   */
  readonly identified: (identity: NodeIdentity) => void
}

/** One server of a node: its primary or one of its replicas. */
export interface MemberSpec {
  /** Where it is, for people: `host:port`, never with a password. */
  readonly address: string
  /** The zone it stands in, for `reads: 'nearest'`. */
  readonly zone?: string
  /**
   * Tells whether the member of a new list is the one that already runs, whose connection then goes on serving: equal
   * fingerprints are. A string of all that matters for the connection, or the object that is the connection.
   */
  readonly fingerprint: unknown
  /** Makes the adapter, without touching the network. */
  open(context: NodeContext): NodeAdapter
}

/**
 * One shard as the user writes it: made by `memoryNode`, `redisNode`, `memcachedNode` or {@link customNode}, and given to
 * `ShardedCache.create` or `setNodes`. Making one opens no connection.
 */
export interface NodeSpec {
  /** The shard's stable name. Its place on the ring comes from this, never from an address. */
  readonly id: string
  /** How many times the keys of a weight-1 node it takes. */
  readonly weight: number
  readonly zone?: string
  readonly primary: MemberSpec
  readonly replicas: readonly MemberSpec[]
}

/** What every kind of node can be told. */
export interface NodeOptions {
  /** The stable name from which the ring positions come. By default the address. */
  id?: string
  /** How many times the keys of a weight-1 node it takes: a positive number; 1 unless given. */
  weight?: number
  /** The zone its primary stands in, for `reads: 'nearest'`. */
  zone?: string
}

/** The names of {@link NodeOptions}, for adapters that check theirs. */
export const NODE_OPTIONS = ['id', 'weight', 'zone'] as const

/**
 * Checks the options that all kinds of nodes share and puts a spec together.
 *
 * @throws OptionError `ERR_OPTION`
 */
export function nodeSpec(options: NodeOptions, primary: MemberSpec, replicas: readonly MemberSpec[] = []): NodeSpec {
  const id = checkText(options.id ?? primary.address, 'id')
  if (id.length > 200) throw new OptionError('ERR_OPTION', `id must be at most 200 characters; given: ${quote(id)}`)
  const weight = checkWeight(options.weight ?? 1, id)
  const zone = options.zone === undefined ? undefined : checkText(options.zone, 'zone')
  return {
    id,
    weight,
    primary: zone === undefined ? primary : { ...primary, zone },
    replicas,
    ...(zone === undefined ? {} : { zone }),
  }
}

/**
 * A node with an adapter of your own.
 *
 * @param open makes the adapter; called once, when the node joins a cache
 * @param options the node's `id` (required), `weight` and `zone`, and `replicas`: functions like `open`
 * @throws OptionError `ERR_OPTION`
 * @example
 * const cache = await ShardedCache.create({ nodes: [customNode(() => new MyAdapter('10.0.0.7'), { id: 'a' })] })
 */
export function customNode(
  open: (context: NodeContext) => NodeAdapter,
  options: NodeOptions & { id: string; replicas?: readonly ((context: NodeContext) => NodeAdapter)[] },
): NodeSpec {
  checkOptions(options, 'customNode options', [...NODE_OPTIONS, 'replicas'])
  const id = checkText(options.id, 'id')
  const member = (make: unknown, address: string): MemberSpec => {
    const checked = checkFunction(make, `the adapter of ${address}`) as (context: NodeContext) => NodeAdapter
    return { address, fingerprint: checked, open: checked }
  }
  const replicas = (options.replicas ?? []).map((make, index) => member(make, `${id}/replica-${index + 1}`))
  return nodeSpec(options, member(open, id), replicas)
}
