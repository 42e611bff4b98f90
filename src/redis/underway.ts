import type { NodeError } from '../base/errors.ts'
import { UNFIT, type Fit } from './replies.ts'

/**
 * One command that waits, in a ring of them. A ring, since the tables that a set leaves behind when it grows keep what was
 * in them, once they are old, from being collected while it is young.
 */
class Waiting {
  previous: Waiting = this
  next: Waiting = this
  readonly reject: (error: NodeError) => void

  constructor(reject: (error: NodeError) => void) {
    this.reject = reject
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
  readonly #head = new Waiting(() => {})
  #size = 0

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
      const waiting = new Waiting(reject)
      waiting.before(this.#head)
      this.#size++
      // Ticks come when all promises that are settled have been seen to, however many steps that takes.
      const handOver = (settle: () => void): void =>
        process.nextTick(() => {
          if (!waiting.leave()) return
          this.#size--
          settle()
        })
      sent.then(
        (reply) => {
          const answer = fit(reply)
          if (answer === UNFIT) unfit()
          else handOver(() => resolve(answer))
        },
        (error: Error) => handOver(() => reject(error)),
      )
    })
  }

  /** Settles everything, also what the client would keep waiting. */
  giveUp(error: NodeError): void {
    for (let one = this.#head.next; one !== this.#head; one = this.#head.next) {
      one.leave()
      one.reject(error)
    }
    this.#size = 0
  }
}
