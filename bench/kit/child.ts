import { fork, type ChildProcess } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { nodeOf, type Contender } from './contender.ts'

const INSTEAD = new URL('./instead.ts', import.meta.url)

/** How long a contender may take for one order, in milliseconds: a round takes less than a second, on any machine a minute. */
const PATIENCE = 120_000

/** What goes back to the benchmark: an answer, or why there is none. */
interface Reply<A> {
  readonly answer?: A
  readonly error?: string
}

/**
 * A process of its own for one contender: what one library does to the engine, another one does not feel. It ends by
 * itself when the benchmark is gone.
 */
export class Child<Order, Answer> {
  readonly #name: string
  readonly #process: ChildProcess
  readonly #ended: Promise<never>

  /**
   * @param program what it runs; that calls {@link serve}
   * @param contender whose it is
   */
  constructor(program: URL, contender: Contender) {
    this.#name = contender.name
    this.#process = fork(fileURLToPath(program), {
      execPath: nodeOf(contender),
      execArgv: ['--import', 'tsx', ...(contender.instead ? ['--import', fileURLToPath(INSTEAD)] : [])],
      env: { ...process.env, BENCH_INSTEAD: JSON.stringify(contender.instead ?? {}) },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    this.#ended = new Promise((_, reject) => {
      this.#process.on('error', reject)
      this.#process.once('exit', (code, signal) =>
        reject(new Error(`the process of ${contender.name} ended with ${code ?? signal}`)),
      )
    })
    this.#ended.catch(() => {})
  }

  /** Sends an order and waits for what comes of it, at most so many milliseconds; one at a time. */
  async ask(order: Order, ms: number = PATIENCE): Promise<Answer> {
    const reply = new Promise<Reply<Answer>>((resolve) =>
      this.#process.once('message', resolve as (given: unknown) => void),
    )
    this.#process.send(order as object)
    const over = new AbortController()
    const late = sleep(ms, undefined, { signal: over.signal }).then(() => {
      throw new Error(`${this.#name} did not do in ${ms} ms what it was asked: ${JSON.stringify(order)}`)
    })
    try {
      const { answer, error } = await Promise.race([reply, this.#ended, late])
      if (error !== undefined) throw new Error(error)
      return answer as Answer
    } finally {
      late.catch(() => {})
      over.abort()
    }
  }

  async stop(): Promise<void> {
    if (this.#process.connected) this.#process.disconnect()
    await this.#ended.catch(() => {})
  }
}

/** In a contender's process: does what it is asked for, until the benchmark lets go of it or is gone. */
export function serve<Order, Answer>(obey: (order: Order) => Promise<Answer> | Answer): void {
  process.on('message', (order: Order) => {
    void (async (): Promise<void> => {
      let reply: Reply<Answer>
      try {
        reply = { answer: await obey(order) }
      } catch (error) {
        reply = { error: String((error as Error).stack ?? error) }
      }
      process.send?.(reply)
    })()
  })
  process.on('disconnect', () => process.exit())
}
