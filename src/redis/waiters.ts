import { NodeError } from '../base/errors.ts'
import type { NodeIdentity } from '../node/contract.ts'

/** Those who wait for a server to say who it is. */
export class Waiters {
  readonly #waiting = new Set<(outcome: NodeIdentity | NodeError) => void>()

  /** Resolves or rejects with what is told next; rejects with `late` when nothing is, for so many milliseconds. */
  wait(ms: number, late: () => NodeError): Promise<NodeIdentity> {
    return new Promise((resolve, reject) => {
      const settle = (outcome: NodeIdentity | NodeError): void => {
        clearTimeout(timer)
        this.#waiting.delete(settle)
        if (outcome instanceof NodeError) reject(outcome)
        else resolve(outcome)
      }
      const timer = setTimeout(() => settle(late()), ms)
      this.#waiting.add(settle)
    })
  }

  tell(outcome: NodeIdentity | NodeError): void {
    for (const settle of this.#waiting) settle(outcome)
  }
}
