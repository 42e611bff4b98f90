import type { Clock } from '../base/clock.ts'
import type { Deadlines } from '../base/deadlines.ts'
import { NodeError } from '../base/errors.ts'
import { asking } from './asks.ts'
import { Call, type Ask, type CallMade, type CallsOfServer, type OperationName } from './call.ts'
import { MISSES_TO_OPEN } from './circuit.ts'

/** What {@link Calls} is made of. */
export interface CallsContext {
  readonly address: string
  readonly clock: Clock
  readonly deadlines: Deadlines
  /** How long a server has for a command, in milliseconds. */
  readonly nodeTimeout: number
  /** A command had no answer in the time a server has, however long its caller waited. */
  missed(error: NodeError): void
  /** Nothing at all came back for as long: the connection is taken for dead. */
  silent(): void
}

/** How many operations may wait for one server before further ones are refused with `ERR_NODE_BUSY`. */
const MAX_PENDING = 20_000

/** From this share of its time on, a server that did not answer is not expected to answer what comes next. */
const NEARLY_ALL = 0.9

/**
 * The commands under way on one server, with the deadline held outside its client: whatever the client library does, each
 * settles within the time given, and a late answer is discarded.
 */
export class Calls implements CallsOfServer {
  readonly #context: CallsContext
  #pending = 0
  /** Since when something is asked and nothing comes back. */
  #silentSince: number | undefined
  #judging = false
  /** The latest silence in which somebody gave up before the server had its time. */
  #abandoned: number | undefined
  #lookingAgain = false
  #judgements = 0
  /** How often the connection was taken for dead. */
  #silences = 0
  #lastTimeout: NodeError | undefined
  /** Whether a command had no answer in the time a server has, and nothing was answered since. */
  #suspect = false
  /** Commands that failed, on their way to those who asked: the first one has been handed on. */
  readonly #failures: (() => void)[] = []
  #closed = false
  #drained: (() => void) | undefined

  constructor(context: CallsContext) {
    this.#context = context
    // V8 builds what never changed into fast code, and gives that up when it does: better now than when the server fails.
    this.#suspect = true
    this.#suspect = false
    this.#silences++
  }

  /** Whether there is reason to think that it would not answer now, though its circuit may not be open yet. */
  get suspect(): boolean {
    return this.#suspect
  }

  /** Whether it lets no more begin. */
  get closed(): boolean {
    return this.#closed
  }

  /** Settles with `ask()`, or rejects with a NodeError when `ms` pass first. */
  run<T>(operation: OperationName, keys: number, ms: number, ask: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => this.begin(operation, keys, ms, asking(ask), resolve, reject))
  }

  /**
   * The same for somebody who has no promise of his own for it: each one between a read and its caller takes a turn of its
   * own, and what is read alone waits for every one of them. Tells one of both, once, and not before this returns.
   *
   * @param came told what was answered; must not throw
   * @param failed told what went wrong; must not throw
   * @param now monotonic
   */
  begin<T>(
    operation: OperationName,
    keys: number,
    ms: number,
    ask: Ask<T>,
    came: (value: T) => void,
    failed: (error: Error) => void,
    now: number = this.#context.clock.monotonic(),
  ): void {
    const refusal = this.#refusal(operation)
    if (refusal) {
      queueMicrotask(() => failed(refusal))
      return
    }
    this.#silentSince ??= now
    this.#pending++
    const call = new Call(this, operation, keys, ms, came, failed)
    this.#context.deadlines.add(ms, call, now)
    try {
      ask(call)
    } catch (error) {
      queueMicrotask(() => call.failed(error))
    }
  }

  get silences(): number {
    return this.#silences
  }

  overdue(call: CallMade, late: number): NodeError {
    const { operation, keys, ms } = call
    const error = this.#timeout(operation, keys, ms)
    if (operation === 'close') return error
    if (ms >= NEARLY_ALL * this.#context.nodeTimeout) this.#suspect = true
    if (COMMANDS.has(operation)) this.#judge(call, late, error)
    this.#resetIfSilent(late)
    return error
  }

  ended({ answered }: CallMade): void {
    if (answered) this.#suspect = false
    this.#silentSince = undefined
    if (--this.#pending === 0) this.#drained?.()
  }

  #refusal(operation: OperationName): NodeError | undefined {
    const { address } = this.#context
    // Whatever the adapter holds, it can be let go of.
    if (operation === 'close') return undefined
    if (this.#closed) return new NodeError('ERR_NODE_DOWN', `${address} was closed`)
    // A probe may find it well again, whatever an adapter of somebody else's keeps waiting.
    if (this.#pending < MAX_PENDING || operation === 'connect') return undefined
    return new NodeError('ERR_NODE_BUSY', `${MAX_PENDING} operations already wait for ${address}`)
  }

  /** Lets no more begin, and waits until nothing is under way, at most `ms`. */
  async drain(ms: number): Promise<void> {
    this.#closed = true
    if (this.#pending === 0) return
    await new Promise<void>((resolve) => {
      const deadline = this.#context.deadlines.set(ms, () => resolve())
      this.#drained = () => {
        deadline.cancel()
        resolve()
      }
    })
  }

  /**
   * When a connection is lost, all that was under way on it fails at once. What follows from each failure is work, so they
   * are handed on one per turn of the event loop, the oldest first: so those of other servers get their turn, and deadlines
   * theirs.
   */
  inTurn(fail: () => void): void {
    this.#failures.push(fail)
    if (this.#failures.length === 1) this.#failNext()
  }

  #failNext(): void {
    this.#failures[0]?.()
    setImmediate(() => {
      this.#failures.shift()
      if (this.#failures.length > 0) this.#failNext()
    })
  }

  /** Where thousands wait for one server they time out together: one error, whose stack says nothing, does for many. */
  #timeout(operation: OperationName, keys: number, ms: number): NodeError {
    const what = keys > 1 ? `a ${operation} of ${keys} keys` : `a ${operation}`
    const message = `${this.#context.address} did not answer ${what} within ${Math.ceil(ms)} ms`
    if (this.#lastTimeout?.message !== message) this.#lastTimeout = new NodeError('ERR_NODE_TIMEOUT', message)
    return this.#lastTimeout
  }

  /**
   * Holds a missing answer against the server only when it had all the time that a server has: a caller may wait for less,
   * and the time in which this process itself stood still is given back.
   */
  #judge(call: CallMade, late: number, error: NodeError): void {
    const { nodeTimeout, clock, missed } = this.#context
    const rest = Math.max(0, nodeTimeout - call.ms) + late
    if (rest < 1) {
      missed(error)
      return
    }
    // So many misses decide; to wait for more would only take timers.
    if (this.#judgements >= MISSES_TO_OPEN) return
    this.#judgements++
    clock.setTimer(() => {
      this.#judgements--
      if (!call.answered && !this.#closed) missed(error)
    }, rest)
  }

  /**
   * A caller who waits for less than a server has gives up alone; the connection is everybody's. It is looked at again when
   * the server has had its time, since nobody else may come: what was given up would still be sent.
   */
  #resetIfSilent(late: number): void {
    const { clock, nodeTimeout } = this.#context
    const since = this.#silentSince
    if (since === undefined || this.#judging) return
    const rest = nodeTimeout - (clock.monotonic() - since - late)
    if (rest > 0) {
      this.#lookAgain(since, rest)
      return
    }
    this.#judging = true
    // When this process itself stood still, answers that have long arrived are read only now; they count.
    setImmediate(() => {
      this.#judging = false
      if (this.#silentSince !== since) return
      this.#silentSince = undefined
      this.#silences++
      this.#context.silent()
    })
  }

  #lookAgain(since: number, ms: number): void {
    this.#abandoned = since
    if (this.#lookingAgain) return
    this.#lookingAgain = true
    this.#context.clock.setTimer(() => {
      this.#lookingAgain = false
      // For a silence that began later there is time left: it is looked at once more.
      if (this.#silentSince === this.#abandoned && !this.#closed) this.#resetIfSilent(0)
    }, ms)
  }
}

/** What is asked of a server on a caller's behalf. */
export const COMMANDS: ReadonlySet<OperationName> = new Set(['read', 'write', 'remove', 'lease'])
