import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Answer, Order } from './worker.ts'

/** A contender in a process of its own: what one library does to the engine, another one does not feel. */
export class Worker {
  readonly #process: ChildProcess = fork(fileURLToPath(new URL('./worker.ts', import.meta.url)), {
    execArgv: ['--import', 'tsx'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  readonly #ended: Promise<never> = new Promise((_, reject) => {
    this.#process.once('exit', (code) => reject(new Error(`a contender's process ended with ${code}`)))
  })

  constructor() {
    this.#ended.catch(() => {})
  }

  /** @returns calls per millisecond, where that is asked */
  async ask(order: Order): Promise<number> {
    const answer = new Promise<Answer>((resolve) => this.#process.once('message', resolve as (given: unknown) => void))
    this.#process.send(order)
    const { rate, error } = await Promise.race([answer, this.#ended])
    if (error !== undefined) throw new Error(error)
    return rate
  }

  async stop(): Promise<void> {
    if (this.#process.connected) this.#process.disconnect()
    await this.#ended.catch(() => {})
  }
}
