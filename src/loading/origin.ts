import type { Clock } from '../base/clock.ts'
import type { Deadline, Deadlines } from '../base/deadlines.ts'
import { LoadError, quote } from '../base/errors.ts'
import type { Tally } from './tally.ts'

/** The user's loader. */
export interface LoadFunction {
  /** Asks the source of truth for what is missing. */
  call(names: string[], run: OriginRun): unknown
  /**
   * What that resolved to, as one value per name.
   *
   * @throws LoadError `ERR_LOADER_RESULT`
   */
  values(result: unknown, names: readonly string[]): readonly unknown[]
}

/** One call of the user's loader, from the inside. */
export interface OriginRun {
  /** Aborted when the hard time-out passes or the cache is closed. Made when first asked for. */
  readonly signal: AbortSignal
}

/** What is told while a loader runs. */
export interface OriginListener {
  /** The hard time-out passed (the loader runs on), or the cache was closed. */
  failed(error: Error): void
  /** Twice the hard time-out passed; nothing more is expected of it. */
  givenUp(): void
}

/** Calls loaders under their hard time-out. */
export class Origin {
  readonly #clock: Clock
  readonly #deadlines: Deadlines
  readonly #tally: Tally
  readonly #running = new Set<(error: Error) => void>()
  #closed: Error | undefined

  constructor(clock: Clock, deadlines: Deadlines, tally: Tally) {
    this.#clock = clock
    this.#deadlines = deadlines
    this.#tally = tally
  }

  /**
   * Runs a loader once.
   *
   * @param hardTimeout milliseconds until `listener.failed`; as long again until `listener.givenUp`
   * @returns what the loader gave for each name, and how long it took in milliseconds
   * @throws LoadError `ERR_LOAD`, with the loader's error as its cause; `ERR_LOADER_RESULT`
   */
  async run(
    load: LoadFunction,
    names: string[],
    hardTimeout: number,
    listener: OriginListener,
  ): Promise<{ loaded: readonly unknown[]; ms: number }> {
    if (this.#closed) throw this.#closed
    const run = new Abortable()
    const first = names[0] as string
    const count = names.length
    const what = (): string => (count === 1 ? quote(first) : `${quote(first)} and ${count - 1} more`)
    const start = this.#clock.monotonic()
    const end = (error: Error): void => {
      deadline.cancel()
      listener.failed(error)
      run.abort(error)
    }
    let deadline: Deadline = this.#deadlines.set(hardTimeout, () => {
      this.#tally.loads.timedOut++
      end(new LoadError('ERR_LOAD_TIMEOUT', `the load of ${what()} took longer than ${hardTimeout} ms`))
      deadline = this.#deadlines.set(hardTimeout, () => {
        this.#running.delete(end)
        listener.givenUp()
      })
    })
    this.#running.add(end)
    this.#tally.loads.started++
    let ok = false
    try {
      let result: unknown
      try {
        result = await load.call(names, run)
      } catch (error) {
        const reason = error instanceof Error ? error.message : quote(error)
        throw new LoadError('ERR_LOAD', `the load of ${what()} failed: ${reason}`, { cause: error })
      }
      const loaded = load.values(result, names)
      ok = true
      return { loaded, ms: this.#clock.monotonic() - start }
    } finally {
      deadline.cancel()
      this.#running.delete(end)
      this.#tally.load(first, count, this.#clock.monotonic() - start, ok)
    }
  }

  /** Ends all loads that run, and lets none begin any more. */
  close(error: Error): void {
    this.#closed = error
    for (const end of this.#running) end(error)
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
