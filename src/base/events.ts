import { OptionError, quote, type ErrorCode } from './errors.ts'

/** What happened to a node's share of an operation, as listeners are told. Never holds a value, a password or a raw client error. */
export interface NodeErrorEvent {
  type: 'node-error'
  /** The node's id. */
  node: string
  /** Which of its servers, as `host:port`. */
  address: string
  /** What was being done. */
  operation: 'connect' | 'read' | 'write' | 'remove' | 'lease' | 'info' | 'close'
  code: ErrorCode
  message: string
  /** How many keys it cost. */
  keys: number
  /** Wall-clock time, in milliseconds since 1970. */
  at: number
}

/** The events of a cache: plain data, told as they happen. */
export interface CacheEvents {
  /** A read was answered from the cache. */
  hit: { type: 'hit'; key: string; source: string; at: number }
  /** A read found nothing usable. */
  miss: { type: 'miss'; key: string; at: number }
  /** A loader ran: once per flight, however many callers shared it. `keys` is above 1 for a load of many. */
  load: { type: 'load'; key: string; keys: number; ms: number; ok: boolean; at: number }
  /** A server did not do what was asked. The call that asked goes on without it. */
  'node-error': NodeErrorEvent
  /** A node's circuit changed its state. */
  circuit: { type: 'circuit'; node: string; address: string; from: CircuitState; to: CircuitState; at: number }
  /** A read was answered by another member than the first one in order. */
  failover: { type: 'failover'; node: string; from: string; to: string; keys: number; at: number }
  /** The topology was swapped for a new one. `moved` is the share of the key space that has a new owner, 0 to 1. */
  topology: { type: 'topology'; epoch: number; added: string[]; removed: string[]; moved: number; at: number }
  /** A replica is behind its primary. */
  'replication-lag': { type: 'replication-lag'; node: string; address: string; bytes: number; at: number }
  /** Deletes that a node missed were noted down, replayed, or could not be noted; see {@link JournalStatus}. */
  journal: { type: 'journal'; node: string; status: JournalStatus; keys: number; at: number }
  /** Entries of a server from before a moment were made void: it restarted with data. */
  fence: { type: 'fence'; node: string; address: string; before: number; at: number }
  /** With the option `eject`: a node's keys go to the next one on the ring (`out`), or come back to it (`in`). */
  eject: { type: 'eject'; node: string; status: 'out' | 'in'; at: number }
  /** Something was given up, and why. Nothing is lost without one of these and a count in `stats()`. */
  dropped: { type: 'dropped'; reason: DropReason; key: string; node?: string; at: number }
}

/** The state of a circuit. */
export type CircuitState = 'closed' | 'open' | 'half-open'

/**
 * What became of deletes that a node missed: `added` to its journal, `replayed` when the node had removed the keys,
 * `overflowed` when there was no room (all its entries from before are misses then), `dropped` when the node left or the
 * cache was closed before it could be told.
 */
export type JournalStatus = 'added' | 'replayed' | 'overflowed' | 'dropped'

/** Why something was dropped: see {@link CacheEvents}. */
export type DropReason =
  /** What came back was not an envelope of ours, was damaged, or could not be decoded: a miss, and removed. */
  | 'corrupt'
  /** What came back carried another key's check: a miss. */
  | 'wrong-key'
  /**
   * What came back was written before its server restarted, before its node gained the key, or before the journal of missed
   * deletes overflowed: a miss.
   */
  | 'fenced'
  /** What came back is compressed by a method that this Node does not have: a miss, and left where it is for those that do. */
  | 'unsupported'
  /** What came back does not fit the space's schema: a miss. */
  | 'schema'
  /** A loaded value was too large for its node: returned to the caller, not cached. */
  | 'too-large'
  /** A loaded value could not be written to its node: returned to the caller, not cached. */
  | 'fill-failed'
  /** A load was overtaken by a delete or a write of its key: returned to those who waited, not cached. */
  | 'overtaken'
  /** An entry claimed to come from the future, and was taken as written now. */
  | 'clock-skew'

/** The name of an event; see {@link CacheEvents}. */
export type EventType = keyof CacheEvents

const TYPES: ReadonlySet<string> = new Set<EventType>([
  'hit',
  'miss',
  'load',
  'node-error',
  'circuit',
  'failover',
  'topology',
  'replication-lag',
  'journal',
  'fence',
  'eject',
  'dropped',
])

/**
 * Typed events. A listener that throws (or rejects) harms neither the cache nor the other listeners; it is counted.
 * Hot paths ask {@link Events.wanted} first, so that an event nobody listens to is never built.
 */
export class Events {
  readonly #listeners = new Map<EventType, Set<(event: never) => unknown>>()
  #failures = 0

  /** How many times a listener threw or rejected. */
  get listenerFailures(): number {
    return this.#failures
  }

  /** Whether anybody listens to this type. */
  wanted(type: EventType): boolean {
    return this.#listeners.has(type)
  }

  /** Listens; returns the function that stops listening. */
  on<T extends EventType>(type: T, listener: (event: CacheEvents[T]) => unknown): () => void {
    if (!TYPES.has(type))
      throw new OptionError('ERR_OPTION', `unknown event ${quote(type)}; known: ${[...TYPES].join(', ')}`)
    if (typeof listener !== 'function')
      throw new OptionError('ERR_OPTION', `a listener must be a function; given: ${quote(listener)}`)
    const entry = (event: CacheEvents[T]): unknown => listener(event)
    const set = this.#listeners.get(type) ?? new Set()
    set.add(entry)
    this.#listeners.set(type, set)
    return () => {
      set.delete(entry)
      if (set.size === 0 && this.#listeners.get(type) === set) this.#listeners.delete(type)
    }
  }

  /** Tells all listeners of the event's type. */
  emit<T extends EventType>(event: CacheEvents[T]): void {
    const set = this.#listeners.get(event.type as T)
    if (!set) return
    for (const listener of set) {
      try {
        const result: unknown = listener(event as never)
        if (isThenable(result)) result.then(undefined, () => this.#failures++)
      } catch {
        this.#failures++
      }
    }
  }
}

function isThenable(given: unknown): given is PromiseLike<unknown> {
  return typeof (given as PromiseLike<unknown> | null | undefined)?.then === 'function'
}
