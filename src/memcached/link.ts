import type { Clock } from '../base/clock.ts'
import { NodeError } from '../base/errors.ts'
import type { NodeInfo } from '../node/contract.ts'
import { Connection } from './connection.ts'
import { OPCODE, STATUS, type Command, type Reply } from './protocol.ts'
import { largestValue, toInfo, type Stats } from './stats.ts'
import type { MemcachedTarget } from './url.ts'

/** What a server told when it was connected to. */
export interface Greeting {
  readonly info: NodeInfo
  /** The largest value it can hold, in bytes, if it told. */
  readonly largestValue: number | undefined
  /** The server's clock at that moment, in seconds since 1970. */
  readonly time: number
  /** When that was, on the monotonic clock. */
  readonly at: number
}

/** Operations that wait for a connection. */
interface Gate {
  readonly promise: Promise<Connection>
  open(connection: Connection): void
  fail(error: NodeError): void
}

type State =
  | { readonly is: 'down'; readonly error: NodeError | undefined; readonly redialAt: number }
  | { readonly is: 'dialling'; readonly connection: Connection; readonly greeted: Promise<Greeting>; gate: Gate }
  | { readonly is: 'up'; readonly connection: Connection }
  | { readonly is: 'closed' }

/** How long a server that could not be reached is left alone, in milliseconds. Operations fail at once meanwhile. */
const PAUSE = 100

/**
 * The way to one server: a connection when one is asked for, a fresh one after every fault, none after `close()`.
 * A connection carries operations only once the server has said who it is.
 */
export class Link {
  readonly #target: MemcachedTarget
  readonly #clock: Clock
  readonly #connectTimeout: number
  readonly #patience: number
  readonly #onGreeting: (greeting: Greeting) => void
  #greeting: Greeting | undefined
  #state: State = { is: 'down', error: undefined, redialAt: 0 }

  /**
   * @param connectTimeout how long connecting, logging in and the first answer may take together, in milliseconds
   * @param patience how long an operation waits for that before it is given up, in milliseconds
   * @param onGreeting called with what the server tells, on each connection before anything else is sent
   */
  constructor(
    target: MemcachedTarget,
    clock: Clock,
    connectTimeout: number,
    patience: number,
    onGreeting: (greeting: Greeting) => void,
  ) {
    this.#target = target
    this.#clock = clock
    this.#connectTimeout = connectTimeout
    this.#patience = patience
    this.#onGreeting = onGreeting
  }

  /**
   * Connects if need be, and asks the server about itself; settles within the connect time-out.
   *
   * @throws NodeError
   */
  async greet(): Promise<Greeting> {
    const state = this.#state
    if (state.is === 'closed') throw this.#closed()
    if (state.is === 'dialling') return state.greeted
    if (state.is === 'down') return this.#dial().greeted
    return this.#ask(state.connection)
  }

  /**
   * Sends commands, over a new connection when there is none.
   *
   * @throws NodeError at once when the server could not be reached a moment ago
   */
  async exchange(commands: readonly Command[]): Promise<Reply[]> {
    const state = this.#state
    return (state.is === 'up' ? state.connection : await this.carrier()).exchange(commands)
  }

  /**
   * The connection that carries operations; a new one when there is none.
   *
   * @throws NodeError at once when the server could not be reached a moment ago
   */
  async carrier(): Promise<Connection> {
    const state = this.#state
    if (state.is === 'up') return state.connection
    if (state.is === 'closed') throw this.#closed()
    const now = this.#clock.monotonic()
    if (state.is === 'down' && state.error && now < state.redialAt) throw state.error
    const { gate } = state.is === 'dialling' ? state : this.#dial()
    const connection = await gate.promise
    // Who asked has given up long ago: what is not sent now must not be sent at all.
    if (this.#clock.monotonic() - now > this.#patience) {
      throw new NodeError('ERR_NODE_TIMEOUT', `${this.#target.address} could not be connected to in time`)
    }
    return connection
  }

  /**
   * Fails all operations and drops the connection. A connection that is being made goes on: nothing has been sent on it
   * yet, and a server slower than the deadline of an operation would otherwise never be reached.
   */
  reset(): void {
    const error = new NodeError('ERR_NODE_DOWN', `the connection to ${this.#target.address} was reset`)
    const state = this.#state
    if (state.is === 'up') state.connection.end(error)
    if (state.is === 'dialling') {
      const { gate } = state
      state.gate = newGate()
      gate.fail(error)
    }
  }

  /** Ends everything. Idempotent. */
  close(): void {
    const state = this.#state
    this.#state = { is: 'closed' }
    if (state.is === 'dialling') state.gate.fail(this.#closed())
    if (state.is === 'dialling' || state.is === 'up') state.connection.end(this.#closed())
  }

  /** The server's clock, in seconds since 1970; this machine's while the server has not told. */
  serverTime(): number {
    const greeting = this.#greeting
    if (!greeting) return this.#clock.now() / 1_000
    return greeting.time + (this.#clock.monotonic() - greeting.at) / 1_000
  }

  #dial(): State & { is: 'dialling' } {
    const connection = new Connection(this.#target, (error) => this.#ended(connection, error))
    const greeted = this.#ask(connection)
    const state: State & { is: 'dialling' } = { is: 'dialling', connection, greeted, gate: newGate() }
    this.#state = state
    greeted.then(
      () => {
        if (this.#state !== state) return
        this.#state = { is: 'up', connection }
        state.gate.open(connection)
      },
      // Whatever went wrong, the connection has ended with it, and that is where it is dealt with.
      () => {},
    )
    return state
  }

  /** Asks the server about itself; ends the connection when that fails. */
  async #ask(connection: Connection): Promise<Greeting> {
    const { address } = this.#target
    const timer = this.#clock.setTimer(() => {
      const text = `${address} did not answer within ${this.#connectTimeout} ms`
      connection.end(new NodeError('ERR_NODE_DOWN', text))
    }, this.#connectTimeout)
    timer.ref()
    try {
      await connection.opened
      const asked = this.#clock.monotonic()
      const replies = await connection.exchange([
        { opcode: OPCODE.stat, key: '' },
        { opcode: OPCODE.stat, key: 'settings' },
      ])
      const { general, settings } = sort(replies)
      const info = toInfo(general, address)
      const greeting = { info, largestValue: largestValue(settings), time: Number(general['time']), at: asked }
      this.#greeting = greeting
      this.#onGreeting(greeting)
      return greeting
    } catch (error) {
      const failure = error instanceof NodeError ? error : new NodeError('ERR_NODE', `${address} cannot be understood`)
      connection.end(failure)
      throw failure
    } finally {
      timer.cancel()
    }
  }

  #ended(connection: Connection, error: NodeError): void {
    const state = this.#state
    if ((state.is !== 'dialling' && state.is !== 'up') || state.connection !== connection) return
    const redialAt = this.#clock.monotonic() + (state.is === 'dialling' ? PAUSE : 0)
    this.#state = { is: 'down', error, redialAt }
    if (state.is === 'dialling') state.gate.fail(error)
  }

  #closed(): NodeError {
    return new NodeError('ERR_NODE_DOWN', `${this.#target.address} was closed`)
  }
}

function newGate(): Gate {
  let open!: (connection: Connection) => void
  let fail!: (error: NodeError) => void
  const promise = new Promise<Connection>((resolve, reject) => {
    open = resolve
    fail = reject
  })
  promise.catch(() => {})
  return { promise, open, fail }
}

/** The replies to two `stat` commands; each ends with one that has no key. A refusal counts as no values. */
function sort(replies: readonly Reply[]): { general: Stats; settings: Stats } {
  const general: Record<string, string> = Object.create(null) as Record<string, string>
  const settings: Record<string, string> = Object.create(null) as Record<string, string>
  let into = general
  for (const { status, keyLength, key, value } of replies) {
    if (status !== STATUS.ok || keyLength === 0) into = settings
    else into[key] = value.toString('latin1')
  }
  return { general, settings }
}
