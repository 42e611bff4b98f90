import type { NodeError } from '../base/errors.ts'
import { UNFIT, type Fit } from './replies.ts'

/** The commands that are under way on one connection, and the handing over of their answers. */
export class Underway {
  readonly #open = new Set<(error: NodeError) => void>()

  get size(): number {
    return this.#open.size
  }

  /**
   * Waits for the reply to a command. All that arrived together is looked at before any of it is handed over: a reply that
   * fits by chance, behind one that does not, is no answer either.
   *
   * @param unfit called when the reply is not one to this command; must give up everything
   */
  wait<T>(sent: Promise<unknown>, fit: Fit<T>, unfit: () => void): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#open.add(reject)
      // Ticks come when all promises that are settled have been seen to, however many steps that takes.
      const handOver = (settle: () => void): void =>
        process.nextTick(() => {
          if (this.#open.delete(reject)) settle()
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
    for (const reject of this.#open) reject(error)
    this.#open.clear()
  }
}
