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

/** What is told of one call of a loader: `loaded` or `failed` once, unless it is given up before. */
export interface OriginListener {
  /** What it gave for each name, and how long it took in milliseconds. Also after it was `ended`. */
  loaded(values: readonly unknown[], ms: number): void
  /** It failed: a LoadError `ERR_LOAD`, with the loader's error as its cause; or `ERR_LOADER_RESULT`. */
  failed(error: Error): void
  /** The hard time-out passed (the loader runs on), or the cache was closed. */
  ended(error: Error): void
  /** Twice the hard time-out passed; nothing more is expected of it. */
  givenUp(): void
}

/** Calls loaders under their hard time-out. */
export class Origin {
  readonly #clock: Clock
  readonly #deadlines: Deadlines
  readonly #tally: Tally
  readonly #running = new Set<Run>()
  #closed: Error | undefined

  constructor(clock: Clock, deadlines: Deadlines, tally: Tally) {
    this.#clock = clock
    this.#deadlines = deadlines
    this.#tally = tally
  }

  /**
   * Runs a loader once. Never throws.
   *
   * @param hardTimeout milliseconds until `listener.ended`; as long again until `listener.givenUp`
   */
  run(load: LoadFunction, names: string[], hardTimeout: number, listener: OriginListener): void {
    if (this.#closed) {
      listener.failed(this.#closed)
      return
    }
    const run = new Run(names, listener)
    const start = this.#clock.monotonic()
    run.deadline = this.#deadlines.set(hardTimeout, () => {
      this.#tally.loads.timedOut++
      run.end(new LoadError('ERR_LOAD_TIMEOUT', `the load of ${run.what} took longer than ${hardTimeout} ms`))
      run.deadline = this.#deadlines.set(hardTimeout, () => {
        this.#running.delete(run)
        listener.givenUp()
      })
    })
    this.#running.add(run)
    this.#tally.loads.started++
    const finish = (ok: boolean): number => {
      const ms = this.#clock.monotonic() - start
      run.deadline?.cancel()
      this.#running.delete(run)
      this.#tally.load(names[0] as string, names.length, ms, ok)
      return ms
    }
    begin(load, names, run).then(
      (result) => {
        let values: readonly unknown[]
        try {
          values = load.values(result, names)
        } catch (error) {
          finish(false)
          listener.failed(error as Error)
          return
        }
        listener.loaded(values, finish(true))
      },
      (error: unknown) => {
        finish(false)
        const reason = error instanceof Error ? error.message : quote(error)
        listener.failed(new LoadError('ERR_LOAD', `the load of ${run.what} failed: ${reason}`, { cause: error }))
      },
    )
  }

  /** Ends all loads that run, and lets none begin any more. */
  close(error: Error): void {
    this.#closed = error
    for (const run of this.#running) run.end(error)
    this.#running.clear()
  }
}

/** A loader may throw at once, or return no promise. */
function begin(load: LoadFunction, names: string[], run: Run): Promise<unknown> {
  try {
    return Promise.resolve(load.call(names, run))
  } catch (error) {
    return Promise.reject(error as Error)
  }
}

/** One call of a loader. */
class Run implements OriginRun {
  readonly #names: readonly string[]
  readonly #listener: OriginListener
  #controller: AbortController | undefined
  #reason: Error | undefined
  deadline: Deadline | undefined

  constructor(names: readonly string[], listener: OriginListener) {
    this.#names = names
    this.#listener = listener
  }

  /** Made when asked for: an AbortController costs a microsecond, and most loaders never look at their signal. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.#reason) this.#controller.abort(this.#reason)
    return this.#controller.signal
  }

  end(error: Error): void {
    this.deadline?.cancel()
    this.#listener.ended(error)
    this.#reason = error
    this.#controller?.abort(error)
  }

  /** What is loaded, for messages. */
  get what(): string {
    const [first = '', ...rest] = this.#names
    return rest.length === 0 ? quote(first) : `${quote(first)} and ${rest.length} more`
  }
}
