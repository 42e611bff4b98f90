import { NodeError } from '../base/errors.ts'
import { Slice, type ByteSlice, type ByteSliceClass } from '../base/slice.ts'
import type { AtomicPower } from './atomic.ts'

/** Who a server says it is. */
export interface NodeIdentity {
  /** Changes whenever the server process restarts (Redis `run_id`; memcached's process id and start time). */
  runId: string
  /** `unknown` where a server has no such notion or may not be asked. */
  role: 'primary' | 'replica' | 'unknown'
  /** The server's version, or an empty string. */
  version: string
  /** How long its process has run, in milliseconds, rounded down; absent where it does not say. */
  uptime?: number
  /** True when it certainly held no key at the moment it was asked, and was not about to load any. */
  empty?: boolean
  /**
   * Whether it loaded data from its disk when it started: false when it certainly did not, absent when it does not say. What
   * it loaded may be older than what was deleted since.
   */
  restored?: boolean
  /** Of a replica: whether it is in step with its primary, or at least in touch. Absent for others, and when not known. */
  linked?: boolean
  /**
   * Names the history of changes that its data come from (Redis' `master_replid`): a replica has its primary's, and another
   * one once it has copied the data of a primary that restarted. Absent where the server does not say.
   */
  history?: string
}

/** What an adapter can carry. */
export interface NodeLimits {
  /** The longest key, in bytes of UTF-8. */
  maxKeyBytes: number
  /** The largest value, in bytes, exactly: one byte more is that key's NodeError. May change once the server was asked. */
  maxValueBytes: number
  /** The step in which the server counts TTLs, in milliseconds: 1 for Redis, 1,000 for memcached. Adapters round up. */
  ttlStep: number
}

/** One entry to write. */
export interface WriteItem {
  /** The stored key: 1 to 250 bytes, no blanks or control characters. */
  key: string
  value: Uint8Array
  /** How long it lives from now, in milliseconds: a whole number of at least 1. Never rounded down to nothing. */
  ttl: number
}

/** What a read gives for one key: its bytes, `undefined` when there is none, or what went wrong. */
export type ReadOutcome = Uint8Array | undefined | NodeError

/** What a read gives for some keys to somebody who takes bytes where they lie. */
export type ReadGiven = (ReadOutcome | ByteSlice)[]

/** Who is told what something came to, one of both, once. Must not throw. */
export interface Asker<T> {
  /** What it came to. */
  came(value: T): void
  /** What went wrong instead. */
  failed(error: unknown): void
}
/** What a write gives for one key. */
export type WriteOutcome = 'stored' | NodeError
/** What a removal gives for one key. */
export type RemoveOutcome = 'deleted' | 'absent' | NodeError

/**
 * Whether an outcome is a failure. By shape, not by `instanceof`: an adapter may come with a copy of this package of its own.
 */
export function isFailure(outcome: unknown): outcome is NodeError {
  // In an order that leaves as little as can be for the first failure: what has never run makes V8 give up its fast code.
  if (outcome === null || typeof outcome !== 'object') return false
  return !(outcome instanceof Slice) && !(outcome instanceof Uint8Array)
}

/** How many of these outcomes are failures. */
export function countFailures(outcomes: readonly unknown[]): number {
  let failures = 0
  for (const outcome of outcomes) if (isFailure(outcome)) failures++
  return failures
}

/** Whether any of these outcomes is a failure. A loop: `some` calls what it is given for each. */
export function anyFailed(outcomes: readonly unknown[]): boolean {
  for (const outcome of outcomes) if (isFailure(outcome)) return true
  return false
}

/** So many times the same failure: a list as adapters make them, since one that is made at its full length is another kind to V8. */
export function allFailed(error: NodeError, keys: number): NodeError[] {
  const outcomes: NodeError[] = []
  for (let i = 0; i < keys; i++) outcomes.push(error)
  return outcomes
}

/**
 * Refuses what an adapter of somebody else's gives against the contract: which outcome belongs to which key is unknown then.
 * Gives the error, `ERR_NODE`.
 */
export function checkOutcomes(outcomes: unknown, keys: number, address: string): NodeError | undefined {
  if (Array.isArray(outcomes) && outcomes.length === keys) return undefined
  const given = Array.isArray(outcomes) ? `${outcomes.length} outcomes` : typeof outcomes
  return new NodeError('ERR_NODE', `the adapter of ${address} answered ${keys} keys with ${given}`)
}

/** What a server tells of itself. */
export interface NodeInfo extends NodeIdentity {
  /** How many keys it holds, whoever wrote them. */
  keys: number
  /** How many bytes of memory it uses. */
  bytes: number
  /** The end of the replication stream that it has written (primary) or applied (replica), in bytes. */
  replicationOffset?: number
}

/** Optional powers of an adapter. Code asks for the power, never for the kind of server. */
export interface NodePowers {
  /** Asks the server about itself. */
  info?(): Promise<NodeInfo>
  /**
   * Asks the server for the `history` of its {@link NodeIdentity} alone, for less. It is asked after every read for which a
   * replica stands in for a primary that does not answer: the data may have become those of another history meanwhile.
   *
   * @throws NodeError
   */
  history?(): Promise<string | undefined>
  /**
   * Removes a key if it holds exactly these bytes, in one step on the server; says whether it did.
   *
   * @throws NodeError
   */
  removeIf?(key: string, value: Uint8Array): Promise<boolean>
  /** Leases: one load per key across processes, which no delete is overtaken by. */
  atomic?: AtomicPower
}

/**
 * Speaks to one server, in bytes, many keys at a time with a result per key: the one contract through which the cache
 * does I/O. An adapter owns its connection and reconnects by itself; deadlines, retries and circuits are the business of
 * the floors above. `sharded-cache/testing` has the conformance suite every adapter must pass.
 *
 * Rules:
 * - `read`, `write` and `remove` answer with exactly one outcome per key, in the order asked, duplicates included.
 * - Trouble with one key is that key's outcome. The promise itself never rejects: trouble with the whole server is a
 *   `NodeError` as every key's outcome.
 * - With the server unreachable, an operation fails at once; nothing is queued to be sent later.
 * - On each new connection the adapter learns who answers there, and calls `identified` of its `NodeContext` before any
 *   reply of that connection reaches a caller.
 * - A connection that is given up with a write under way is given up so that the write does not arrive later: a TCP
 *   connection is reset (`socket.resetAndDestroy()`), since after an ordinary close the system goes on sending.
 * - Values that were read are read-only; values written may be reused by the caller once the write has settled.
 * - Messages of errors hold no values and no secrets.
 */
export interface NodeAdapter {
  /** Where the server is, for people: `host:port`, never with a password. */
  readonly address: string
  readonly limits: NodeLimits
  readonly powers: NodePowers
  /**
   * Connects, logs in, and asks the server who it is. On a connection that is up it asks again, so that it serves as a
   * probe: it may be called at any time.
   *
   * @throws NodeError `ERR_AUTH` when the credentials are wrong, which no waiting mends; `ERR_NODE_DOWN` when the server
   *   cannot be reached now (the adapter goes on trying by itself), or the adapter was closed;
   *   `ERR_NODE_UNREADY` when it answered that it cannot serve now (it still loads its data, …); `ERR_NODE` when it
   *   answered otherwise than it must (it has no such database, …)
   */
  connect(): Promise<NodeIdentity>
  /** Reads keys: the bytes of each, `undefined` where there is none, or its NodeError. */
  read(keys: readonly string[]): Promise<ReadOutcome[]>
  /**
   * The same for somebody who needs no promise, and takes bytes that lie in a larger array also as a slice of it, of the class
   * that is given. An adapter need not have it. Tells one of both, once, and not before it returns.
   */
  beginRead?(keys: readonly string[], slice: ByteSliceClass, asker: Asker<ReadGiven>): void
  /** Writes entries, each with its own TTL, over whatever was there. */
  write(items: readonly WriteItem[]): Promise<WriteOutcome[]>
  /** The same, as {@link NodeAdapter.beginRead} has it. An adapter need not have it. */
  beginWrite?(items: readonly WriteItem[], asker: Asker<WriteOutcome[]>): void
  /** Removes keys, and says of each whether it was there. */
  remove(keys: readonly string[]): Promise<RemoveOutcome[]>
  /**
   * Throws the connection away, with all that is under way on it, and builds a new one at once or when next asked. Writes
   * that were under way must not reach the server later.
   */
  reset(): void
  /** Lets go of the server. Idempotent; settles even when the server hangs. Operations after it fail. */
  close(): Promise<void>
}

/** Tells somebody what a promise comes to, or what is no promise though it should be. */
export function tell<T>(asker: Asker<T>, given: Promise<T>): void {
  Promise.resolve(given).then(
    (value) => asker.came(value),
    (error: unknown) => asker.failed(error),
  )
}
