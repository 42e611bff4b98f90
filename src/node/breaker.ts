import type { Clock, Timer } from '../base/clock.ts'
import type { NodeError } from '../base/errors.ts'
import type { CircuitState } from '../base/events.ts'
import { advance, CLOSED, probeDelay, type Circuit, type Signal } from './circuit.ts'

/** What a {@link Breaker} is made of. */
export interface BreakerContext {
  readonly clock: Clock
  random(): number
  /** Asks the server who it is, within a deadline of its own; resolves to what went wrong, if anything did. */
  probe(): Promise<NodeError | undefined>
  /** Told of every change of state. */
  changed(from: CircuitState, to: CircuitState): void
}

/** The circuit of one server, and the probes that close it again: one at a time, on a timer that keeps no process alive. */
export class Breaker {
  readonly #context: BreakerContext
  #circuit: Circuit = CLOSED
  #closed = true
  #timer: Timer | undefined
  #stopped = false
  /** Why it opened last. */
  cause: NodeError | undefined

  constructor(context: BreakerContext) {
    this.#context = context
    // See Calls: not only when the server fails for the first time.
    this.#closed = false
    this.#closed = true
  }

  get state(): CircuitState {
    return this.#circuit.is
  }

  /** Whether commands may be sent. */
  get closed(): boolean {
    return this.#closed
  }

  answered(): void {
    if (this.#circuit !== CLOSED) this.#signal('answered')
  }

  /** A command ran into its deadline (`missed`), or the connection could not be made or used (`broke`). */
  failed(signal: 'missed' | 'broke', cause: NodeError): void {
    if (this.#circuit.is === 'closed') this.cause = cause
    this.#signal(signal)
  }

  /**
   * What a command says about the server; nothing went wrong with it unless `failure` is given.
   *
   * @param forgivenUntil until when (monotonic) a broken connection is our own doing
   */
  told(failure: NodeError | undefined, forgivenUntil: number): void {
    switch (failure?.code) {
      case undefined:
      case 'ERR_NODE':
        this.answered()
        return
      case 'ERR_NODE_DOWN':
      case 'ERR_AUTH':
        if (this.#context.clock.monotonic() >= forgivenUntil) this.failed('broke', failure)
        return
      // The client library has a deadline of its own, and it came first.
      case 'ERR_NODE_TIMEOUT':
      case 'ERR_NODE_UNREADY':
        this.failed('missed', failure)
    }
  }

  /** Ends all probing; from now on nothing changes the state. */
  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
  }

  #signal(signal: Signal): void {
    // What a server says on its way out, or that it was closed, is no trouble with it.
    if (this.#stopped) return
    const from = this.#circuit
    const to = advance(from, signal)
    this.#circuit = to
    this.#closed = to.is === 'closed'
    if (from.is === to.is) return
    if (to.is === 'open') {
      const { clock, random } = this.#context
      this.#timer = clock.setTimer(() => void this.#probe(), Math.ceil(probeDelay(to.attempt, random())))
    }
    this.#context.changed(from.is, to.is)
  }

  async #probe(): Promise<void> {
    this.#signal('probe')
    while (this.#circuit.is === 'half-open' && !this.#stopped) {
      const failure = await this.#context.probe()
      this.#signal(failure ? 'probe-failed' : 'probe-answered')
    }
  }
}
