import { Child } from '../kit/child.ts'
import type { LeftOut } from '../kit/contender.ts'
import type { ThroughputContender } from './client.ts'
import type { Order } from './worker.ts'

/**
 * The contenders of a table, each in a process of its own. Whoever fails at something is out of all that is still to come: the
 * others have been measured for minutes by then.
 */
export class Party {
  readonly failed: LeftOut[] = []
  readonly #children = new Map<string, Child<Order, number>>()
  readonly #needed: ReadonlySet<string>

  /** @param needed those without whom nothing can be compared: when one of them fails, all has failed */
  constructor(contenders: readonly ThroughputContender[], needed: readonly string[]) {
    this.#needed = new Set(needed)
    for (const one of contenders) {
      this.#children.set(one.name, new Child(new URL('./worker.ts', import.meta.url), one))
    }
  }

  /** Those that have not failed. */
  get names(): string[] {
    return [...this.#children.keys()].filter((name) => this.has(name))
  }

  has(name: string): boolean {
    return !this.failed.some((one) => one.name === name)
  }

  /**
   * Gives orders to one contender, one after the other.
   *
   * @param at where that is, for those who read why it was left out
   * @returns the answer to the last one; `NaN` when it failed, now or before
   */
  async ask(name: string, at: string, ...orders: readonly Order[]): Promise<number> {
    let answer = Number.NaN
    if (!this.has(name)) return answer
    try {
      for (const order of orders) answer = await (this.#children.get(name) as Child<Order, number>).ask(order)
      return answer
    } catch (error) {
      if (this.#needed.has(name)) throw error
      const [why] = String((error as Error).message).split('\n')
      this.failed.push({ name, why: `from “${at}” on, where it failed: ${why}` })
      return Number.NaN
    }
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#children.values()].map((child) => child.stop()))
  }
}
