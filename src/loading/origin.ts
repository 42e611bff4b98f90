import type { Clock } from '../base/clock.ts'
import type { Deadline, Deadlines } from '../base/deadlines.ts'
import { LoadError, quote } from '../base/errors.ts'
import type { Tally } from './tally.ts'

/** Asks the source of truth for what is missing: resolves to what it has, by name. */
export type LoadFunction = (names: string[], run: OriginRun) => unknown

/** One call of the user's loader, from the inside. */
export interface OriginRun {
  /** Aborted when the hard time-out passes or the cache is closed. Made when first asked for. */
  readonly signal: AbortSignal
}

/** What is told while a loader runs. */
export interface OriginListener {
  /** The hard time-out passed; the loader runs on. */
  timedOut(error: LoadError): void
  /** Twice the hard time-out passed; nothing more is expected of it. */
  givenUp(): void
}

/** Calls loaders under their hard time-out. */
export class Origin {
  readonly #clock: Clock
  readonly #deadlines: Deadlines
  readonly #tally: Tally
  readonly #running = new Set<Abortable>()

  constructor(clock: Clock, deadlines: Deadlines, tally: Tally) {
    this.#clock = clock
    this.#deadlines = deadlines
    this.#tally = tally
  }

  /**
   * Runs a loader once.
   *
   * @param hardTimeout milliseconds until `listener.timedOut`; as long again until `listener.givenUp`
   * @returns what the loader gave, and how long it took in milliseconds
   * @throws LoadError `ERR_LOAD`, with the loader's error as its cause
   */
  async run(
    load: LoadFunction,
    names: string[],
    hardTimeout: number,
    listener: OriginListener,
  ): Promise<{ result: unknown; ms: number }> {
    const run = new Abortable()
    const first = names[0] as string
    const count = names.length
    const what = count === 1 ? quote(first) : `${quote(first)} and ${count - 1} more`
    const start = this.#clock.monotonic()
    let deadline: Deadline = this.#deadlines.set(hardTimeout, () => {
      const error = new LoadError('ERR_LOAD_TIMEOUT', `the load of ${what} took longer than ${hardTimeout} ms`)
      this.#tally.loads.timedOut++
      deadline = this.#deadlines.set(hardTimeout, () => {
        this.#running.delete(run)
        listener.givenUp()
      })
      listener.timedOut(error)
      run.abort(error)
    })
    this.#running.add(run)
    this.#tally.loads.started++
    let ok = false
    try {
      const result = await load(names, run)
      ok = true
      return { result, ms: this.#clock.monotonic() - start }
    } catch (error) {
      const reason = error instanceof Error ? error.message : quote(error)
      throw new LoadError('ERR_LOAD', `the load of ${what} failed: ${reason}`, { cause: error })
    } finally {
      deadline.cancel()
      this.#running.delete(run)
      this.#tally.load(first, count, this.#clock.monotonic() - start, ok)
    }
  }

  /** Aborts all loaders that run. */
  abort(error: Error): void {
    for (const run of this.#running) run.abort(error)
    this.#running.clear()
  }
}

/** An AbortController costs a microsecond, and most loaders never look at their signal. */
class Abortable implements OriginRun {
  #controller: AbortController | undefined
  #reason: Error | undefined

  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.#reason) this.#controller.abort(this.#reason)
    return this.#controller.signal
  }

  abort(reason: Error): void {
    this.#reason = reason
    this.#controller?.abort(reason)
  }
}
