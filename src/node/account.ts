import type { Clock } from '../base/clock.ts'
import { NodeError, isCacheError } from '../base/errors.ts'
import type { CircuitState, Events } from '../base/events.ts'
import { Slice } from '../base/slice.ts'
import type { OperationName } from './call.ts'
import { isFailure } from './contract.ts'

/** What one server was asked and how it did. Counts of keys, not of commands; times in milliseconds. */
export interface MemberCounts {
  reads: number
  hits: number
  writes: number
  removes: number
  errors: number
  timeouts: number
  /** Keys for which it was not asked, because its circuit was open. */
  refused: number
  bytesRead: number
  bytesWritten: number
}

/** Whether a server did what it was last asked; `down` also while its circuit is not closed. */
export type MemberState = 'unknown' | 'up' | 'down'

/** How much one sample weighs in the latency estimate. */
const LATENCY_WEIGHT = 0.2

/** What is kept of one server's doings: counts, latency, the last failure; and what listeners are told of failures. */
export class Account {
  readonly counts: MemberCounts = {
    reads: 0,
    hits: 0,
    writes: 0,
    removes: 0,
    errors: 0,
    timeouts: 0,
    refused: 0,
    bytesRead: 0,
    bytesWritten: 0,
  }
  /** Why it was last found down. */
  problem: NodeError | undefined
  /** Recent time of a read in milliseconds, exponentially weighted; `undefined` before the first one. */
  latency: number | undefined
  readonly #node: string
  readonly #address: string
  readonly #events: Events
  readonly #clock: Clock

  constructor(node: string, address: string, events: Events, clock: Clock) {
    this.#node = node
    this.#address = address
    this.#events = events
    this.#clock = clock
  }

  /** What a read that took `ms` brought; gives back how many keys failed. */
  read(outcomes: readonly unknown[], ms: number): number {
    const { counts } = this
    let failures = 0
    for (const outcome of outcomes) {
      if (outcome instanceof Slice || outcome instanceof Uint8Array) {
        counts.bytesRead += outcome.length
        counts.hits++
      } else if (isFailure(outcome)) failures++
    }
    // A server that fails at once is not a fast one.
    if (failures < outcomes.length) {
      this.latency = this.latency === undefined ? ms : this.latency + LATENCY_WEIGHT * (ms - this.latency)
    }
    return failures
  }

  /** What went wrong with an operation on `keys` keys; gives it back as a NodeError that holds no secrets. */
  failed(operation: OperationName, thrown: unknown, keys: number): NodeError {
    const error = asNodeError(thrown, this.#address)
    this.counts.errors++
    if (error.code === 'ERR_NODE_TIMEOUT') this.counts.timeouts++
    if (error.code !== 'ERR_NODE') this.problem = error
    this.#tell(operation, error, keys)
    return error
  }

  /** An operation on `keys` keys was not begun. */
  refused(operation: OperationName, error: NodeError, keys: number): void {
    this.counts.refused += keys
    this.#tell(operation, error, keys)
  }

  /** Its circuit changed. */
  circuit(from: CircuitState, to: CircuitState): void {
    if (!this.#events.wanted('circuit')) return
    this.#events.emit({ type: 'circuit', node: this.#node, address: this.#address, from, to, at: this.#clock.now() })
  }

  /** What was written `before` (wall clock) is void. */
  fence(before: number): void {
    if (!this.#events.wanted('fence')) return
    this.#events.emit({ type: 'fence', node: this.#node, address: this.#address, before, at: this.#clock.now() })
  }

  #tell(operation: OperationName, { code, message }: NodeError, keys: number): void {
    if (this.#events.wanted('node-error')) {
      const where = { node: this.#node, address: this.#address }
      this.#events.emit({ type: 'node-error', ...where, operation, code, message, keys, at: this.#clock.now() })
    }
  }
}

/** An adapter of somebody else's may break the contract and throw; what it throws may hold anything, so only its kind is kept. */
function asNodeError(error: unknown, address: string): NodeError {
  if (error instanceof NodeError) return error
  if (isCacheError(error)) return new NodeError(error.code, error.message)
  const kind = error instanceof Error ? error.constructor.name : typeof error
  return new NodeError('ERR_NODE', `the adapter of ${address} threw (${kind}) instead of answering per key`)
}
