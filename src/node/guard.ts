import type { Clock } from '../base/clock.ts'
import type { Deadlines } from '../base/deadlines.ts'
import { NodeError, isCacheError } from '../base/errors.ts'
import type { Events, NodeErrorEvent } from '../base/events.ts'
import {
  isFailure,
  type NodeAdapter,
  type NodeIdentity,
  type NodeInfo,
  type ReadOutcome,
  type RemoveOutcome,
  type WriteItem,
  type WriteOutcome,
} from './contract.ts'
import type { NodeContext } from './spec.ts'

/** What guards share within one cache. */
export interface GuardContext {
  readonly clock: Clock
  readonly deadlines: Deadlines
  readonly events: Events
  readonly node: Omit<NodeContext, 'identified'>
}

/** What one server was asked and how it did. Counts of keys, not of commands; times in milliseconds. */
export interface MemberCounts {
  reads: number
  hits: number
  writes: number
  removes: number
  errors: number
  timeouts: number
  bytesRead: number
  bytesWritten: number
}

/** Whether a server did what it was last asked. */
export type MemberState = 'unknown' | 'up' | 'down'

/** How many operations may wait for one server before further ones are refused with `ERR_NODE_BUSY`. */
const MAX_PENDING = 20_000
/** How much one sample weighs in the latency estimate. */
const LATENCY_WEIGHT = 0.2

/**
 * One server, with the deadline held outside its client: whatever the client library does, every operation settles within
 * the time given, with an outcome per key. A late answer is discarded.
 */
export class Guard {
  readonly adapter: NodeAdapter
  readonly counts: MemberCounts = {
    reads: 0,
    hits: 0,
    writes: 0,
    removes: 0,
    errors: 0,
    timeouts: 0,
    bytesRead: 0,
    bytesWritten: 0,
  }
  state: MemberState = 'unknown'
  /** Why it was last found down. */
  problem: NodeError | undefined
  /** Recent time of a read in milliseconds, exponentially weighted; `undefined` before the first one. */
  latency: number | undefined
  readonly #node: string
  readonly #context: GuardContext
  #pending = 0
  /** Since when something is asked and nothing comes back. */
  #silentSince: number | undefined
  #judging = false
  #closed = false
  #drained: (() => void) | undefined

  constructor(node: string, adapter: NodeAdapter, context: GuardContext) {
    this.#node = node
    this.adapter = adapter
    this.#context = context
  }

  /** Connects within `ms`; rejects with a NodeError. A server that is merely down goes on being tried by its adapter. */
  async connect(ms: number): Promise<NodeIdentity> {
    try {
      const identity = await this.#settle('connect', 1, ms, () => this.adapter.connect())
      this.state = 'up'
      return identity
    } catch (error) {
      throw this.#failed('connect', asNodeError(error, this.adapter.address), 1)
    }
  }

  /** Reads keys; one outcome each. */
  async read(keys: readonly string[], ms: number): Promise<ReadOutcome[]> {
    this.counts.reads += keys.length
    const start = this.#context.clock.monotonic()
    const outcomes = await this.#run('read', keys.length, ms, () => this.adapter.read(keys))
    let bytes = 0
    let hits = 0
    let failures = 0
    for (const outcome of outcomes) {
      if (outcome instanceof Uint8Array) {
        bytes += outcome.length
        hits++
      } else if (outcome !== undefined) failures++
    }
    this.counts.hits += hits
    this.counts.bytesRead += bytes
    // A server that fails at once is not a fast one.
    if (failures < keys.length) this.#sample(this.#context.clock.monotonic() - start)
    return outcomes
  }

  /** Writes entries; one outcome each. */
  async write(items: readonly WriteItem[], ms: number): Promise<WriteOutcome[]> {
    this.counts.writes += items.length
    for (const item of items) this.counts.bytesWritten += item.value.length
    return this.#run('write', items.length, ms, () => this.adapter.write(items))
  }

  /** Removes keys; one outcome each. */
  async remove(keys: readonly string[], ms: number): Promise<RemoveOutcome[]> {
    this.counts.removes += keys.length
    return this.#run('remove', keys.length, ms, () => this.adapter.remove(keys))
  }

  /** Asks the server about itself; `undefined` when it cannot tell or does not answer. */
  async info(ms: number): Promise<NodeInfo | undefined> {
    const ask = this.adapter.powers.info
    if (!ask) return undefined
    try {
      const info = await this.#settle('info', 1, ms, ask)
      this.state = 'up'
      return info
    } catch (error) {
      const { code } = this.#failed('info', asNodeError(error, this.adapter.address), 1)
      // It answered, if only to say that it may not tell.
      if (code === 'ERR_NODE') this.state = 'up'
      return undefined
    }
  }

  /** Waits until nothing is under way, at most `ms`, and closes the adapter, at most `ms` again. */
  async close(ms: number): Promise<void> {
    this.#closed = true
    const { deadlines } = this.#context
    if (this.#pending > 0) {
      await new Promise<void>((resolve) => {
        const deadline = deadlines.set(ms, resolve)
        this.#drained = () => {
          deadline.cancel()
          resolve()
        }
      })
    }
    try {
      await this.#settle('close', 0, ms, () => this.adapter.close())
    } catch (error) {
      this.#failed('close', asNodeError(error, this.adapter.address), 0)
    }
  }

  async #run<T extends ReadOutcome | WriteOutcome | RemoveOutcome>(
    operation: NodeErrorEvent['operation'],
    keys: number,
    ms: number,
    ask: () => Promise<T[]>,
  ): Promise<(T | NodeError)[]> {
    let outcomes: T[]
    try {
      outcomes = this.#counted(await this.#settle(operation, keys, ms, ask), keys)
    } catch (error) {
      const failure = this.#failed(operation, asNodeError(error, this.adapter.address), keys)
      return Array.from({ length: keys }, () => failure)
    }
    let failure: NodeError | undefined
    let failures = 0
    for (const outcome of outcomes) {
      if (isFailure(outcome)) {
        failure ??= outcome
        failures++
      }
    }
    if (failure) this.#failed(operation, failure, failures)
    else this.state = 'up'
    return outcomes
  }

  /** Settles with `ask()`, or rejects when `ms` pass first. */
  #settle<T>(operation: NodeErrorEvent['operation'], keys: number, ms: number, ask: () => Promise<T>): Promise<T> {
    const { address } = this.adapter
    // Whatever the adapter holds, it can be let go of.
    if (operation !== 'close') {
      if (this.#closed) return Promise.reject(new NodeError('ERR_NODE_DOWN', `${address} was closed`))
      if (this.#pending >= MAX_PENDING) {
        return Promise.reject(new NodeError('ERR_NODE_BUSY', `${MAX_PENDING} operations already wait for ${address}`))
      }
    }
    return new Promise<T>((resolve, reject) => {
      const { clock, deadlines } = this.#context
      this.#silentSince ??= clock.monotonic()
      const deadline = deadlines.set(ms, () => {
        const what = keys > 1 ? `a ${operation} of ${keys} keys` : `a ${operation}`
        reject(new NodeError('ERR_NODE_TIMEOUT', `${address} did not answer ${what} within ${Math.ceil(ms)} ms`))
        if (operation !== 'close') this.#resetIfSilent()
      })
      const settled = (): void => {
        deadline.cancel()
        this.#silentSince = undefined
        if (--this.#pending === 0) this.#drained?.()
      }
      this.#pending++
      begin(ask).then(
        (value) => {
          settled()
          resolve(value)
        },
        (error: unknown) => {
          settled()
          reject(error)
        },
      )
    })
  }

  /**
   * Nothing at all came back for a node time-out: the connection is taken for dead, and what hangs on it is freed. A
   * caller who waits for less gives up alone; the connection is everybody's.
   */
  #resetIfSilent(): void {
    const { clock, node } = this.#context
    const since = this.#silentSince
    if (since === undefined || clock.monotonic() - since < node.nodeTimeout || this.#judging) return
    this.#judging = true
    // When this process itself stood still, answers that have long arrived are read only now; they count.
    setImmediate(() => {
      this.#judging = false
      if (this.#silentSince !== since) return
      this.#silentSince = undefined
      try {
        this.adapter.reset()
      } catch (error) {
        this.#failed('close', asNodeError(error, this.adapter.address), 0)
      }
    })
  }

  /** An adapter of somebody else's may break the contract; which outcome belongs to which key is unknown then. */
  #counted<T>(outcomes: T[], keys: number): T[] {
    if (Array.isArray(outcomes) && outcomes.length === keys) return outcomes
    const given = Array.isArray(outcomes) ? `${outcomes.length} outcomes` : typeof outcomes
    throw new NodeError('ERR_NODE', `the adapter of ${this.adapter.address} answered ${keys} keys with ${given}`)
  }

  #failed(operation: NodeErrorEvent['operation'], error: NodeError, keys: number): NodeError {
    const { code } = error
    this.counts.errors++
    if (code === 'ERR_NODE_TIMEOUT') this.counts.timeouts++
    if (code !== 'ERR_NODE') {
      this.state = 'down'
      this.problem = error
    }
    const { events, clock } = this.#context
    if (events.wanted('node-error')) {
      const { address } = this.adapter
      const at = clock.now()
      events.emit({ type: 'node-error', node: this.#node, address, operation, code, message: error.message, keys, at })
    }
    return error
  }

  #sample(ms: number): void {
    this.latency = this.latency === undefined ? ms : this.latency + LATENCY_WEIGHT * (ms - this.latency)
  }
}

/** Calls an adapter; one that throws at once, or returns no promise, is treated as one that answered so. */
function begin<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return Promise.resolve(ask())
  } catch (error) {
    return Promise.reject(error as Error)
  }
}

/** An adapter of somebody else's may break the contract and throw; what it throws may hold anything, so only its kind is kept. */
function asNodeError(error: unknown, address: string): NodeError {
  if (error instanceof NodeError) return error
  if (isCacheError(error)) return new NodeError(error.code, error.message)
  const kind = error instanceof Error ? error.constructor.name : typeof error
  return new NodeError('ERR_NODE', `the adapter of ${address} threw (${kind}) instead of answering per key`)
}
