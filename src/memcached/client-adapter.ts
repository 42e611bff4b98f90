import { NodeError } from '../base/errors.ts'
import type {
  NodeAdapter,
  NodeIdentity,
  NodeInfo,
  NodeLimits,
  ReadOutcome,
  RemoveOutcome,
  WriteItem,
  WriteOutcome,
} from '../node/contract.ts'
import type { AdapterSettings } from './adapter.ts'
import { expiresField } from './expires.ts'
import { keyError, sizeError } from './items.ts'
import { DEFAULT_ITEM_SIZE, ITEM_OVERHEAD, toIdentity, toInfo, type Stats } from './stats.ts'

type Done<T> = (error: Error | null, result: T) => void

/** What is used of a memjs `Client` that the application already has. */
export interface MemjsClient {
  /** Exactly one. */
  readonly servers: readonly object[]
  /** Gets a value; `null` when there is none. */
  get(key: string, done: (error: Error | null, value: Uint8Array | null) => void): void
  /** Stores a value; `expires` is in seconds. */
  set(
    key: string,
    value: string | Uint8Array,
    options: { expires?: number },
    done: (error: Error | null, success: boolean | null) => void,
  ): void
  /** Removes a value; false when there was none. */
  delete(key: string, done: (error: Error | null, success: boolean | null) => void): void
  /** Asks each server for its statistics. */
  stats(done: (error: Error | null, server: string, stats: Record<string, string> | null) => void): void
}

/**
 * Speaks to one memcached server through the application's own memjs client, by its public methods only, and neither
 * closes nor resets it. `reset()` stops waiting; what memjs has taken over by then it may still send.
 *
 * memjs connects again by itself and tells nobody: who answers is known as of the last `connect()`, not of each connection.
 * It gives no CAS numbers, so there is no `removeIf`.
 */
export class MemjsClientAdapter implements NodeAdapter {
  readonly address: string
  readonly limits: NodeLimits
  readonly powers = { info: (): Promise<NodeInfo> => this.#greet() }
  readonly #client: MemjsClient
  readonly #settings: AdapterSettings
  readonly #waiting = new Set<(error: NodeError) => void>()
  #clockAhead = 0
  #closed = false

  constructor(client: MemjsClient, address: string, settings: AdapterSettings) {
    this.address = address
    this.#client = client
    this.#settings = settings
    const maxValueBytes = settings.maxValueBytes ?? DEFAULT_ITEM_SIZE - ITEM_OVERHEAD
    this.limits = { maxKeyBytes: 250, maxValueBytes, ttlStep: 1_000 }
  }

  async connect(): Promise<NodeIdentity> {
    return toIdentity(await this.#greet())
  }

  read(keys: readonly string[]): Promise<ReadOutcome[]> {
    return each(keys, async (key) => {
      const value = await this.#ask<Uint8Array | null>(key, (done) => this.#client.get(key, done))
      if (value === null || value instanceof Uint8Array) return value ?? undefined
      throw new NodeError('ERR_NODE', `the memjs client of ${this.address} has a serializer that does not keep bytes`)
    })
  }

  write(items: readonly WriteItem[]): Promise<WriteOutcome[]> {
    const { maxValueBytes } = this.limits
    return each(items, async ({ key, value, ttl }): Promise<'stored'> => {
      if (value.length > maxValueBytes) {
        await this.#ask<boolean | null>(key, (done) => this.#client.delete(key, done))
        throw sizeError(this.address, value.length, maxValueBytes)
      }
      const bytes = Buffer.from(value.buffer, value.byteOffset, value.length)
      const expires = expiresField(ttl, () => this.#settings.clock.now() / 1_000 + this.#clockAhead)
      await this.#ask<boolean | null>(key, (done) => this.#client.set(key, bytes, { expires }, done))
      return 'stored'
    })
  }

  remove(keys: readonly string[]): Promise<RemoveOutcome[]> {
    return each(keys, async (key) =>
      (await this.#ask<boolean | null>(key, (done) => this.#client.delete(key, done))) ? 'deleted' : 'absent',
    )
  }

  reset(): void {
    this.#fail(new NodeError('ERR_NODE_DOWN', `the connection to ${this.address} was given up`))
  }

  close(): Promise<void> {
    this.#closed = true
    this.#fail(new NodeError('ERR_NODE_DOWN', `${this.address} was closed`))
    return Promise.resolve()
  }

  async #greet(): Promise<NodeInfo> {
    const { clock, connectTimeout, identified } = this.#settings
    const timer = clock.setTimer(
      () => this.#fail(new NodeError('ERR_NODE_DOWN', `${this.address} did not answer within ${connectTimeout} ms`)),
      connectTimeout,
    )
    timer.ref()
    try {
      const stats = await this.#ask<Stats | null>(undefined, (done) =>
        this.#client.stats((error, _server, result) => done(error, result)),
      )
      const info = toInfo(stats ?? {}, this.address)
      this.#clockAhead = Number(stats?.['time']) - clock.now() / 1_000
      identified(toIdentity(info))
      return info
    } finally {
      timer.cancel()
    }
  }

  #ask<T>(key: string | undefined, start: (done: Done<T>) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      const illegal = key === undefined ? undefined : keyError(key)
      if (illegal || this.#closed) {
        reject(illegal ?? new NodeError('ERR_NODE_DOWN', `${this.address} was closed`))
        return
      }
      const fail = (error: NodeError): void => {
        this.#waiting.delete(fail)
        reject(error)
      }
      this.#waiting.add(fail)
      try {
        start((error, result) => {
          this.#waiting.delete(fail)
          if (error) reject(translate(this.address, error))
          else resolve(result)
        })
      } catch {
        fail(new NodeError('ERR_NODE', `the memjs client of ${this.address} threw an error`))
      }
    })
  }

  #fail(error: NodeError): void {
    for (const fail of this.#waiting) fail(error)
  }
}

/** One outcome per item; what was thrown is that item's. */
function each<Item, Outcome>(
  items: readonly Item[],
  ask: (item: Item) => Promise<Outcome>,
): Promise<(Outcome | NodeError)[]> {
  return Promise.all(items.map((item) => ask(item).catch((error: unknown) => error as NodeError)))
}

/** memjs gives errors of its own, of the socket, and for a refused login a mere string. */
function translate(address: string, error: unknown): NodeError {
  const text = error instanceof Error ? error.message : String(error)
  if (/authentication failed/i.test(text)) {
    return new NodeError('ERR_AUTH', `${address} refused the memjs client's login, or asks for one`)
  }
  if (/^MemJS [A-Z]+: [\w ]+$/.test(text)) return new NodeError('ERR_NODE', `${address} refused: ${text}`)
  const code = error instanceof Error && 'code' in error ? `: ${String(error.code)}` : ''
  return new NodeError('ERR_NODE_DOWN', `the memjs client cannot reach ${address}${code}`)
}
