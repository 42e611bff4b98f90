import { LRUCache } from 'lru-cache'
import { checkCount, checkOptions } from '../base/check.ts'
import { NodeError } from '../base/errors.ts'
import type { Clock } from '../base/clock.ts'
import type {
  NodeAdapter,
  NodeIdentity,
  NodeInfo,
  ReadOutcome,
  RemoveOutcome,
  WriteItem,
  WriteOutcome,
} from './contract.ts'
import { MemoryAtomic, type LeaseStore } from './memory-atomic.ts'
import { NODE_OPTIONS, nodeSpec, type NodeContext, type NodeOptions, type NodeSpec } from './spec.ts'

/** Options of {@link memoryNode}. */
export interface MemoryNodeOptions extends Omit<NodeOptions, 'id'> {
  /** The most entries it holds; 100,000 unless given. The least recently used one makes room. */
  max?: number
  /** The most bytes of keys and values it holds: at least 1,024; 64 MiB unless given. */
  maxBytes?: number
}

interface Stored {
  value: Uint8Array
  until: number
}

/** What is charged to an entry beside its key and value: map slots, links and objects. */
const OVERHEAD = 150
/** A smaller store could not even hold one entry with the longest key. */
const LEAST_BYTES = 1_024
let started = 0

/**
 * An embedded node: entries live in this process, bounded by count and bytes, with TTL and least-recently-used eviction.
 * The default for development and tests; nothing to install. One spec given to two caches is one store that they share.
 *
 * @param id the node's name
 * @throws OptionError `ERR_OPTION`
 * @example
 * const cache = await ShardedCache.create({ nodes: [memoryNode('a'), memoryNode('b', { weight: 2, max: 10_000 })] })
 */
export function memoryNode(id: string, options: MemoryNodeOptions = {}): NodeSpec {
  checkOptions(options, 'memoryNode options', [...NODE_OPTIONS.slice(1), 'max', 'maxBytes'])
  const max = checkCount(options.max ?? 100_000, 'max')
  const maxBytes = checkCount(options.maxBytes ?? 64 * 1024 * 1024, 'maxBytes', LEAST_BYTES)
  const store = new LRUCache<string, Stored>({
    max,
    maxSize: maxBytes,
    sizeCalculation: (entry, key) => entry.value.length + Buffer.byteLength(key) + OVERHEAD,
  })
  const runId = `memory-${process.pid}-${++started}`
  const open = (context: NodeContext): NodeAdapter => new MemoryAdapter(id, store, maxBytes, context, runId)
  return nodeSpec({ ...options, id }, { address: id, fingerprint: `memory ${id} ${max} ${maxBytes}`, open })
}

class MemoryAdapter implements NodeAdapter {
  readonly address: string
  readonly limits: { readonly maxKeyBytes: number; readonly maxValueBytes: number; readonly ttlStep: number }
  readonly powers = {
    info: (): Promise<NodeInfo> => this.#info(),
    removeIf: (key: string, value: Uint8Array): Promise<boolean> => this.#removeIf(key, value),
    atomic: new MemoryAtomic(this.#leaseStore()),
  }
  readonly #store: LRUCache<string, Stored>
  readonly #clock: Clock
  readonly #identified: (identity: NodeIdentity) => void
  readonly #runId: string
  #closed = false

  constructor(address: string, store: LRUCache<string, Stored>, maxBytes: number, context: NodeContext, runId: string) {
    this.address = address
    this.#store = store
    this.#clock = context.clock
    this.#identified = context.identified
    this.#runId = runId
    this.limits = { maxKeyBytes: 250, maxValueBytes: maxBytes - 250 - OVERHEAD, ttlStep: 1 }
  }

  connect(): Promise<NodeIdentity> {
    if (this.#closed) return Promise.reject(closed(this.address))
    const identity = this.#identity()
    this.#identified(identity)
    return Promise.resolve(identity)
  }

  read(keys: readonly string[]): Promise<ReadOutcome[]> {
    if (this.#closed) return Promise.resolve(keys.map(() => closed(this.address)))
    const now = this.#clock.monotonic()
    return Promise.resolve(keys.map((key) => this.#live(key, now)?.value))
  }

  write(items: readonly WriteItem[]): Promise<WriteOutcome[]> {
    if (this.#closed) return Promise.resolve(items.map(() => closed(this.address)))
    const now = this.#clock.monotonic()
    return Promise.resolve(items.map(({ key, value, ttl }) => this.#put(key, value, now + ttl)))
  }

  remove(keys: readonly string[]): Promise<RemoveOutcome[]> {
    if (this.#closed) return Promise.resolve(keys.map(() => closed(this.address)))
    const now = this.#clock.monotonic()
    return Promise.resolve(
      keys.map((key) => {
        const live = this.#live(key, now)
        this.#store.delete(key)
        return live ? 'deleted' : 'absent'
      }),
    )
  }

  reset(): void {}

  close(): Promise<void> {
    this.#closed = true
    return Promise.resolve()
  }

  /** @param until on the monotonic clock */
  #put(key: string, value: Uint8Array, until: number): WriteOutcome {
    if (value.length > this.limits.maxValueBytes) {
      this.#store.delete(key)
      return new NodeError('ERR_NODE', `${this.address} cannot hold a value of ${value.length} bytes`)
    }
    // A copy: the caller may go on using its buffer, as it may with a server.
    this.#store.set(key, { value: Uint8Array.prototype.slice.call(value), until })
    return 'stored'
  }

  #leaseStore(): LeaseStore {
    return {
      closed: () => (this.#closed ? closed(this.address) : undefined),
      now: () => this.#clock.now(),
      get: (key) => this.#live(key, this.#clock.monotonic())?.value,
      put: (key, value, ttl) => {
        const now = this.#clock.monotonic()
        return this.#put(key, value, ttl === 'left' ? (this.#live(key, now)?.until ?? now) : now + ttl)
      },
      remove: (key) => void this.#store.delete(key),
    }
  }

  #live(key: string, now: number): Stored | undefined {
    const entry = this.#store.get(key)
    if (entry === undefined || entry.until > now) return entry
    this.#store.delete(key)
    return undefined
  }

  #removeIf(key: string, value: Uint8Array): Promise<boolean> {
    if (this.#closed) return Promise.reject(closed(this.address))
    const live = this.#live(key, this.#clock.monotonic())
    if (live === undefined || Buffer.compare(live.value, value) !== 0) return Promise.resolve(false)
    this.#store.delete(key)
    return Promise.resolve(true)
  }

  #identity(): NodeIdentity {
    return { runId: this.#runId, role: 'primary', version: '', empty: this.#store.size === 0 }
  }

  #info(): Promise<NodeInfo> {
    return Promise.resolve({ ...this.#identity(), keys: this.#store.size, bytes: this.#store.calculatedSize })
  }
}

function closed(address: string): NodeError {
  return new NodeError('ERR_NODE_DOWN', `${address} was closed`)
}
