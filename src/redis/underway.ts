import { nextTick } from 'node:process'
import type { NodeError } from '../base/errors.ts'
import { UNFIT, type Fit } from './replies.ts'
import type { Row } from './row.ts'
import { Waiting } from './waiting.ts'

/** One command that waits. */
class Single extends Waiting {
  #reject: ((error: Error) => void) | undefined
  #resolve: ((answer: unknown) => void) | undefined
  #answer: unknown
  #error: Error | undefined

  constructor(resolve: (answer: unknown) => void, reject: (error: Error) => void) {
    super()
    this.#resolve = resolve
    this.#reject = reject
  }

  /** Takes what it came to; {@link Single.settle} hands it over. */
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

  override giveUp(error: NodeError): void {
    this.came(undefined, error)
    this.settle()
  }
}

/** The commands that are under way on one connection, and the handing over of their answers. */
export class Underway {
  readonly #head = new Waiting()
  readonly #handOver = (waiting: Single): void => {
    if (waiting.leave()) waiting.settle()
  }

  get empty(): boolean {
    return this.#head.next === this.#head
  }

  /**
   * Waits for the reply to a command. All that arrived together is looked at before any of it is handed over: a reply that
   * fits by chance, behind one that does not, is no answer either.
   *
   * @param unfit called when the reply is not one to this command; must give up everything
   */
  wait<T>(sent: Promise<unknown>, fit: Fit<T>, unfit: () => void): Promise<T> {
    return new Promise((resolve, reject) => {
      const waiting = new Single(resolve as (answer: unknown) => void, reject)
      waiting.before(this.#head)
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

  /** Takes in a row that waits. Its replies are looked at by who reads them, and it leaves when it is told. */
  add<T>(row: Row<T>): Row<T> {
    row.before(this.#head)
    return row
  }

  /** Settles everything, also what the client would keep waiting. */
  giveUp(error: NodeError): void {
    for (let one = this.#head.next; one !== this.#head; one = this.#head.next) {
      one.leave()
      one.giveUp(error)
    }
  }
}
