import { Due } from '../base/deadlines.ts'
import type { NodeErrorEvent } from '../base/events.ts'
import { isFailure, type Asker } from './contract.ts'

/** What an operation on a server is called. */
export type OperationName = NodeErrorEvent['operation']

/** Asks a server, and has somebody told what comes of it. May throw instead. */
export type Ask<T> = (asker: Asker<T>) => void

/** What was asked. */
export interface CallMade {
  readonly operation: OperationName
  readonly keys: number
  /** How long it has, in milliseconds. */
  readonly ms: number
  /** Whether its server answered it, in time or late. */
  readonly answered: boolean
}

/** What calls have in common: those of one server; see `Calls`. */
export interface CallsOfServer {
  /** How often the connection was taken for dead. */
  readonly silences: number
  /** It had no answer in its time: gives the error. */
  overdue(call: CallMade, late: number): Error
  /** It came to an end, in time or late. */
  ended(call: CallMade): void
  /** Does this in a turn of the event loop of its own. */
  inTurn(finish: () => void): void
}

/**
 * One operation under way on a server, which is its own deadline and the one who is told what came of it: what is asked alone
 * pays for each object. What tells it twice, or late, tells nobody.
 */
export class Call<T = unknown> extends Due implements Asker<T>, CallMade {
  readonly operation: OperationName
  readonly keys: number
  readonly ms: number
  answered = false
  readonly #calls: CallsOfServer
  readonly #silences: number
  #came: ((value: T) => void) | undefined
  #failed: ((error: Error) => void) | undefined
  #ended = false

  constructor(
    calls: CallsOfServer,
    operation: OperationName,
    keys: number,
    ms: number,
    came: (value: T) => void,
    failed: (error: Error) => void,
  ) {
    super()
    this.#calls = calls
    this.#silences = calls.silences
    this.operation = operation
    this.keys = keys
    this.ms = ms
    this.#came = came
    this.#failed = failed
  }

  came(value: T): void {
    if (isLost(value)) this.#calls.inTurn(() => this.#cameNow(value))
    else this.#cameNow(value)
  }

  failed(error: unknown): void {
    this.#calls.inTurn(() => {
      const failed = this.#failed
      this.#end()
      failed?.(error as Error)
    })
  }

  override expire(late: number): void {
    const failed = this.#failed
    const error = this.#calls.overdue(this, late)
    this.#letGo()
    failed?.(error)
  }

  #cameNow(value: T): void {
    const came = this.#came
    this.#end()
    came?.(value)
  }

  #end(): void {
    this.#letGo()
    if (this.#ended) return
    this.#ended = true
    // What ends because its connection was thrown away was not answered.
    this.answered = this.#calls.silences === this.#silences
    this.leave()
    this.#calls.ended(this)
  }

  /** A client may keep what it has sent, and what has grown old would keep who asked. */
  #letGo(): void {
    this.#came = this.#failed = undefined
  }
}

/** Whether it is the outcomes of a command that came to nothing. */
function isLost(value: unknown): boolean {
  return Array.isArray(value) && isFailure(value[0]) && value.every(isFailure)
}
