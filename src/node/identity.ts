import type { Stamps } from '../base/stamps.ts'
import type { NodeIdentity } from './contract.ts'

/**
 * How long after its start a server that this process meets for the first time is taken for one that may still hold what
 * was deleted while it was away: within that time, those who deleted it have found the server and told it.
 */
const SETTLED = 60_000

/**
 * Until which moment (wall clock) an entry on a server must have been written to be void, now that the server has said
 * who it is; 0 when all are good. A server that restarted with data brings back what was deleted while it was away. Pure.
 *
 * @param known the run id under which this process knew the server; `undefined` when it meets it for the first time
 * @param now wall-clock time
 */
export function voidBefore(known: string | undefined, identity: NodeIdentity, now: number): number {
  const { runId, role, uptime, empty, restored, linked } = identity
  // One that will not say who it is cannot be told from itself.
  if (runId === '' || runId === known) return 0
  if (empty === true || restored === false) return 0
  // A replica in step holds what its primary holds.
  if (role === 'replica' && linked === true) return 0
  if (known === undefined && !(restored === true && uptime !== undefined && uptime < SETTLED)) return 0
  return now - (uptime ?? 0)
}

/** What this process knows of who one server is, and which of its entries are void for that. */
export class Acquaintance {
  /** Entries on it that were written until this moment (wall clock) are void; 0 when none is. */
  fence = 0
  /** Of a replica: what is known of its primary. */
  primary: Acquaintance | undefined
  #runId: string | undefined
  #history: string | undefined

  /** The server said who it is. Says whether that made entries void. */
  meet(identity: NodeIdentity, stamps: Stamps): boolean {
    const { runId, role, history, empty } = identity
    const now = stamps.now()
    // It holds what a primary brought back that this process has not met since; when that started, the replica cannot tell.
    const copied = role === 'replica' && runId !== '' && empty !== true && !this.knows(history)
    const before = copied ? now : voidBefore(this.#runId, identity, now)
    if (runId !== '') this.#runId = runId
    this.#history = history ?? this.#history
    // What this cache writes from now on is after the fence, within the same millisecond too.
    if (before > 0) stamps.fence()
    return this.raise(before)
  }

  /** Whether it has ever named the history of its data. */
  get hasHistory(): boolean {
    return this.#history !== undefined
  }

  /** Whether data of this history are what they were taken for: its own or its primary's, or there is nothing to go by. */
  knows(history: string | undefined): boolean {
    const known = [this.#history, this.primary && this.primary.#history].filter((each) => each !== undefined)
    return history === undefined || known.length === 0 || known.includes(history)
  }

  /** It is the server that was known as `before`, over a connection with other settings. */
  follow(before: Acquaintance): void {
    this.#runId ??= before.#runId
    this.#history ??= before.#history
    this.raise(before.fence)
  }

  /** From now on, entries on it that were written until `at` (wall clock) are void. Says whether that is new. */
  raise(at: number): boolean {
    if (at <= this.fence) return false
    this.fence = at
    return true
  }
}
