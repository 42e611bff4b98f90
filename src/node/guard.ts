import type { Clock } from '../base/clock.ts'
import type { Deadlines } from '../base/deadlines.ts'
import { NodeError } from '../base/errors.ts'
import type { CircuitState, Events } from '../base/events.ts'
import type { Stamps } from '../base/stamps.ts'
import { Account, type MemberCounts, type MemberState } from './account.ts'
import { asking, toRead, toWrite } from './asks.ts'
import { Breaker } from './breaker.ts'
import type { Ask, OperationName } from './call.ts'
import { Calls, COMMANDS } from './calls.ts'
import {
  allFailed,
  checkOutcomes,
  countFailures,
  isFailure,
  type NodeAdapter,
  type NodeIdentity,
  type ReadGiven,
  type RemoveOutcome,
  type WriteItem,
  type WriteOutcome,
} from './contract.ts'
import { Acquaintance } from './identity.ts'
import { slicesOf, type SliceOutcome } from './slices.ts'
import type { NodeContext } from './spec.ts'

/** What guards share within one cache. */
export interface GuardContext {
  readonly clock: Clock
  readonly deadlines: Deadlines
  readonly events: Events
  readonly stamps: Stamps
  readonly node: Omit<NodeContext, 'identified'>
  random(): number
}

/** How long closing may take, in milliseconds, once for what is under way and once for the adapter. */
const MAX_CLOSE = 450

/** One server: its adapter, the deadline around each command, its circuit, and what is known of who it is. */
export class Guard {
  readonly adapter: NodeAdapter
  /** Who it is, and before when its entries are void. */
  readonly acquaintance: Acquaintance = new Acquaintance()
  /** Called when it can be asked again: its circuit closed, or it was connected to anew. */
  onUp: (() => void) | undefined
  readonly #context: GuardContext
  readonly #account: Account
  readonly #calls: Calls
  readonly #breaker: Breaker
  #state: MemberState = 'unknown'
  #generation = 0
  #refusal: NodeError | undefined
  /** Until when a broken connection is our own doing. */
  #forgivenUntil = -Infinity

  /** @param open makes the adapter */
  constructor(node: string, open: (context: NodeContext) => NodeAdapter, context: GuardContext) {
    const { clock, deadlines, node: shared } = context
    this.#context = context
    this.#generation++ // See Calls.
    this.adapter = open({ ...shared, identified: (identity) => this.#identified(identity) })
    const { address } = this.adapter
    this.#account = new Account(node, address, context.events, clock)
    this.#calls = new Calls({
      address,
      clock,
      deadlines,
      nodeTimeout: shared.nodeTimeout,
      missed: (error) => {
        this.#state = 'down'
        this.#breaker.failed('missed', error)
      },
      silent: () => this.reset(),
    })
    this.#breaker = new Breaker({
      clock,
      random: context.random,
      probe: () => this.identify(shared.nodeTimeout),
      changed: (from, to) => this.#circuitChanged(from, to),
    })
  }

  get counts(): MemberCounts {
    return this.#account.counts
  }
  get problem(): NodeError | undefined {
    return this.#account.problem
  }
  get latency(): number | undefined {
    return this.#account.latency
  }
  get state(): MemberState {
    return this.#breaker.closed ? this.#state : 'down'
  }
  get circuit(): CircuitState {
    return this.#breaker.state
  }

  /** Whether it is asked at all: while its circuit is not closed, every operation fails at once. */
  get usable(): boolean {
    return this.#breaker.closed
  }

  /** Whether it was closed, or is being closed: its node has left. */
  get closed(): boolean {
    return this.#calls.closed
  }

  /** Whether what nobody misses is worth sending: it is asked, and does not owe an answer. */
  get responsive(): boolean {
    return this.#breaker.closed && !this.#calls.suspect
  }

  /** Counts the connections that were thrown away here; see {@link Guard.replace}. */
  get generation(): number {
    return this.#generation
  }

  /** Connects within `ms`; rejects with a NodeError. A server that is merely down goes on being tried. */
  async connect(ms: number): Promise<void> {
    const failure = await this.identify(ms)
    if (failure === undefined) return
    this.#breaker.failed('broke', failure)
    throw failure
  }

  /** Reads keys; one outcome each. */
  read(keys: readonly string[], ms: number): Promise<SliceOutcome[]> {
    return new Promise((resolve) => this.beginRead(keys, ms, resolve))
  }

  /** The same, as {@link Calls.begin} has it; `at` is the time (monotonic). */
  beginRead(keys: readonly string[], ms: number, done: (outcomes: SliceOutcome[]) => void, at?: number): void {
    this.counts.reads += keys.length
    const now = at ?? this.#context.clock.monotonic()
    this.#begin('read', keys.length, ms, toRead(this.adapter, keys), (given: ReadGiven) => done(slicesOf(given)), now)
  }

  /** Writes entries; one outcome each. */
  write(items: readonly WriteItem[], ms: number): Promise<WriteOutcome[]> {
    return new Promise((resolve) => this.beginWrite(items, ms, resolve))
  }

  /** The same, as {@link Calls.begin} has it. */
  beginWrite(items: readonly WriteItem[], ms: number, done: (outcomes: WriteOutcome[]) => void): void {
    this.counts.writes += items.length
    let bytes = 0
    for (const { value } of items) bytes += value.length
    this.counts.bytesWritten += bytes
    this.#begin('write', items.length, ms, toWrite(this.adapter, items), done)
  }

  /** Removes keys; one outcome each. */
  remove(keys: readonly string[], ms: number): Promise<RemoveOutcome[]> {
    this.counts.removes += keys.length
    return this.ask('remove', keys.length, ms, () => this.adapter.remove(keys))
  }

  /** Refuses an operation on one key because too many wait already. */
  refuse(operation: OperationName, message: string): NodeError {
    return this.#failed(operation, new NodeError('ERR_NODE_BUSY', message), 1)
  }

  /** Uses a power of the adapter, whatever the circuit says. Resolves to a NodeError when that fails. */
  async use<T>(operation: OperationName, ms: number, power: () => Promise<T>): Promise<T | NodeError> {
    try {
      const result = await this.#calls.run(operation, 1, ms, power)
      this.#state = 'up'
      return result
    } catch (error) {
      const failure = this.#failed(operation, error, 1)
      // It answered, if only to say that it may not.
      if (failure.code === 'ERR_NODE') this.#state = 'up'
      return failure
    }
  }

  /** Throws the connection away, with all that is under way on it. */
  reset(): void {
    const { clock, node } = this.#context
    this.#generation++
    this.#forgivenUntil = clock.monotonic() + node.nodeTimeout
    try {
      this.adapter.reset()
    } catch (error) {
      this.#failed('close', error, 0)
    }
  }

  /**
   * Throws away the connection of a generation, unless that was done since, and waits at most `ms` until there is a new
   * one. Says whether there is.
   */
  async replace(generation: number, ms: number): Promise<boolean> {
    if (generation === this.#generation) this.reset()
    return (await this.identify(ms)) === undefined
  }

  /** Asks the server who it is, within `ms`. Resolves to a NodeError when that fails. */
  async identify(ms: number): Promise<NodeError | undefined> {
    try {
      this.#identified(await this.#calls.run('connect', 1, ms, () => this.adapter.connect()))
      this.#state = 'up'
      return undefined
    } catch (error) {
      return this.#failed('connect', error, 1)
    }
  }

  /** Waits until nothing is under way, and closes the adapter; at most `ms` each, and at most 0.9 s together. */
  async close(ms: number): Promise<void> {
    const bound = Math.min(ms, MAX_CLOSE)
    this.#breaker.stop()
    await this.#calls.drain(bound)
    try {
      await this.#calls.run('close', 0, bound, () => this.adapter.close())
    } catch (error) {
      this.#failed('close', error, 0)
    }
  }

  /** Asks the server for one outcome for each of so many keys, unless its circuit is open. Never rejects. */
  ask<T>(operation: OperationName, keys: number, ms: number, ask: () => Promise<T[]>): Promise<(T | NodeError)[]> {
    return new Promise((resolve) => this.#begin<T>(operation, keys, ms, asking(ask), resolve))
  }

  /** @param now when a read begins (monotonic): what it brings and how long it took is noted */
  #begin<T>(
    operation: OperationName,
    keys: number,
    ms: number,
    ask: Ask<T[]>,
    done: (outcomes: (T | NodeError)[]) => void,
    now?: number,
  ): void {
    if (!this.#breaker.closed) {
      const refused = this.#refuse(operation, keys)
      queueMicrotask(() => done(refused))
      return
    }
    this.#calls.begin(
      operation,
      keys,
      ms,
      ask,
      (outcomes) => done(this.#answered(operation, outcomes, keys, now)),
      (error) => done(this.#unanswered(operation, error, keys)),
      now,
    )
  }

  #answered<T>(operation: OperationName, given: T[], keys: number, start: number | undefined): (T | NodeError)[] {
    const broken = checkOutcomes(given, keys, this.adapter.address)
    if (broken) return this.#unanswered(operation, broken, keys)
    const failed =
      start === undefined ? countFailures(given) : this.#account.read(given, this.#context.clock.monotonic() - start)
    const failure = failed === 0 ? undefined : (given.find(isFailure) as NodeError)
    if (failed === 0) this.#state = 'up'
    else this.#failed(operation, failure, failed)
    this.#breaker.told(failed < keys ? undefined : failure, this.#forgivenUntil)
    return given
  }

  #unanswered(operation: OperationName, error: unknown, keys: number): NodeError[] {
    const failure = this.#failed(operation, error, keys)
    // A deadline that passed here is judged where it is kept.
    if (failure.code !== 'ERR_NODE_TIMEOUT') this.#breaker.told(failure, this.#forgivenUntil)
    return allFailed(failure, keys)
  }

  #refuse(operation: OperationName, keys: number): NodeError[] {
    const why = `its circuit is open: ${this.#breaker.cause?.message ?? 'it failed'}`
    // Every call comes by here while the circuit is open: one error does for all.
    const error = (this.#refusal ??= new NodeError('ERR_NODE_DOWN', `${this.adapter.address} is not asked, ${why}`))
    this.#account.refused(operation, error, keys)
    return allFailed(error, keys)
  }

  #circuitChanged(from: CircuitState, to: CircuitState): void {
    this.#account.circuit(from, to)
    this.#refusal = undefined
    if (to === 'closed') this.onUp?.()
  }

  #identified(identity: NodeIdentity): void {
    this.#forgivenUntil = -Infinity
    if (this.acquaintance.meet(identity, this.#context.stamps)) this.#account.fence(this.acquaintance.fence)
    if (this.usable) this.onUp?.()
  }

  #failed(operation: OperationName, thrown: unknown, keys: number): NodeError {
    const error = this.#account.failed(operation, thrown, keys)
    // Whether a command's time-out is the server's is judged where the deadline is: a caller may wait for less.
    const judged = error.code === 'ERR_NODE_TIMEOUT' && COMMANDS.has(operation)
    if (error.code !== 'ERR_NODE' && error.code !== 'ERR_NODE_BUSY' && !judged) this.#state = 'down'
    return error
  }
}
