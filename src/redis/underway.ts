import { nextTick } from 'node:process'
import type { NodeError } from '../base/errors.ts'
import { UNFIT, type Fit } from './replies.ts'
import { Row, type RowCame, type RowRefused, type RowShape } from './row.ts'

/**
 * One command that waits, in a ring of them. A ring, since the tables that a set leaves behind when it grows keep what was
 * in them, once they are old, from being collected while it is young.
 */
class Waiting {
  previous: Waiting = this
  next: Waiting = this
  #reject: ((error: Error) => void) | undefined
  #resolve: ((answer: unknown) => void) | undefined
  #answer: unknown
  #error: Error | undefined

  constructor(resolve: (answer: unknown) => void, reject: (error: Error) => void) {
    this.#resolve = resolve
    this.#reject = reject
  }

  /** Takes what it came to; {@link Waiting.settle} hands it over. */
  came(answer: unknown, error: Error | undefined): void {
    this.#answer = answer
    this.#error = error
  }

  /** Lets go of all, too: what Node puts off until the end of a turn holds on to this one, and may have grown old. */
  settle(): void {
    const resolve = this.#resolve
    const reject = this.#reject
    const answer = this.#answer
    const error = this.#error
    this.#resolve = this.#reject = this.#answer = this.#error = undefined
    if (error) reject?.(error)
    else resolve?.(answer)
  }

  before(other: Waiting): void {
    this.previous = other.previous
    this.next = other
    other.previous.next = this
    other.previous = this
  }

  /** Says whether it was still there. */
  leave(): boolean {
    if (this.next === this) return false
    this.previous.next = this.next
    this.next.previous = this.previous
    this.previous = this.next = this
    return true
  }
}

/** The commands that are under way on one connection, and the handing over of their answers. */
export class Underway {
  readonly #head = new Waiting(
    () => {},
    () => {},
  )
  #size = 0
  readonly #handOver = (waiting: Waiting): void => {
    if (!waiting.leave()) return
    this.#size--
    waiting.settle()
  }

  get size(): number {
    return this.#size
  }

  /**
   * Waits for the reply to a command. All that arrived together is looked at before any of it is handed over: a reply that
   * fits by chance, behind one that does not, is no answer either.
   *
   * @param unfit called when the reply is not one to this command; must give up everything
   */
  wait<T>(sent: Promise<unknown>, fit: Fit<T>, unfit: () => void): Promise<T> {
    return new Promise((resolve, reject) => {
      const waiting = new Waiting(resolve as (answer: unknown) => void, reject)
      waiting.before(this.#head)
      this.#size++
      // Ticks come when all promises that are settled have been seen to, however many steps that takes.
      const came = (answer: unknown, error: Error | undefined): void => {
        waiting.came(answer, error)
        nextTick(this.#handOver, waiting)
      }
      sent.then(
        (reply) => {
          const answer = fit(reply)
          if (answer === UNFIT) unfit()
          else came(answer, undefined)
        },
        (error: Error) => came(undefined, error),
      )
    })
  }

  /** A row that waits. Its replies are looked at by who reads them. */
  row<T>(shape: RowShape<T>, came: RowCame<T>, refused: RowRefused): Row<T> {
    const waiting = new Waiting(came as (answer: unknown) => void, refused)
    waiting.before(this.#head)
    this.#size++
    return new Row(
      shape,
      (row) => {
        waiting.came(row, undefined)
        this.#handOver(waiting)
      },
      (error) => {
        waiting.came(undefined, error)
        this.#handOver(waiting)
      },
    )
  }

  /** Settles everything, also what the client would keep waiting. */
  giveUp(error: NodeError): void {
    for (let one = this.#head.next; one !== this.#head; one = this.#head.next) {
      one.leave()
      one.came(undefined, error)
      one.settle()
    }
    this.#size = 0
  }
}
