import type { Clock } from '../base/clock.ts'
import { Due, type Deadlines } from '../base/deadlines.ts'
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
  /** The value that is out of date, if there is one at hand and one key is loaded. */
  readonly stale: unknown
  /** How long what is loaded is fresh, in milliseconds, when the loader says so. */
  ttl: number | undefined
  /** Whether the loader says that what it loads is not to be cached. */
  skipped: boolean
}

/** What is told of one call of a loader: `loaded` or `failed` once, unless it is given up before. */
export interface OriginListener {
  /** What it gave for each name, when it was asked (monotonic) and how long it took in milliseconds. Also after it was `ended`. */
  loaded(values: readonly unknown[], began: number, ms: number, run: OriginRun): void
  /** It failed: a LoadError `ERR_LOAD`, with the loader's error as its cause; `ERR_LOADER_RESULT`; or `ERR_LOAD_BUSY`. */
  failed(error: Error): void
  /** The hard time-out passed (the loader runs on), or the cache was closed. */
  ended(error: Error): void
  /** Twice the hard time-out passed, or it never began; nothing more is expected of it. */
  givenUp(): void
}

/** What {@link Origin} is made of. */
export interface OriginContext {
  readonly clock: Clock
  readonly deadlines: Deadlines
  readonly tally: Tally
  readonly maxConcurrentLoads: number
  readonly maxQueuedLoads: number
}

/** Calls loaders under their hard time-out, so many at once. */
export class Origin {
  readonly #context: OriginContext
  /** In no order; each knows its place. A Set of thousands that come and go takes more time than what it is asked for. */
  readonly #running: Run[] = []
  readonly #queued = new Set<Run>()
  #closed: Error | undefined

  readonly #late = (run: Run): void => {
    // The second time.
    if (run.timedOut) {
      run.listener.givenUp()
      this.#leave(run)
      return
    }
    const { tally, deadlines } = this.#context
    const { hardTimeout } = run
    tally.loads.timedOut++
    run.timedOut = true
    const how = this.#queued.has(run) ? 'waited for its turn for' : 'took longer than'
    run.end(new LoadError('ERR_LOAD_TIMEOUT', `the load of ${run.what} ${how} ${hardTimeout} ms`))
    if (this.#queued.delete(run)) run.listener.givenUp()
    else deadlines.add(hardTimeout, run)
  }

  constructor(context: OriginContext) {
    this.#context = context
  }

  /** How many loads wait for others to end. */
  get queued(): number {
    return this.#queued.size
  }

  /**
   * Runs a loader once, or when its turn comes. Never throws.
   *
   * @param hardTimeout milliseconds from now until `listener.ended`; as long again until `listener.givenUp`
   * @param now monotonic time
   */
  run(
    load: LoadFunction,
    names: string[],
    hardTimeout: number,
    listener: OriginListener,
    now: number,
    stale?: unknown,
  ): void {
    if (this.#closed) {
      listener.failed(this.#closed)
      return
    }
    const { deadlines, maxConcurrentLoads, maxQueuedLoads } = this.#context
    const run = new Run(this.#late, hardTimeout, load, names, listener, stale)
    const waits = this.#running.length >= maxConcurrentLoads
    if (waits && this.#queued.size >= maxQueuedLoads) {
      listener.failed(
        new LoadError('ERR_LOAD_BUSY', `${this.#queued.size} loads wait already; ${run.what} was not loaded`),
      )
      return
    }
    deadlines.add(hardTimeout, run)
    if (waits) this.#queued.add(run)
    else this.#start(run, now)
  }

  /** Ends all loads that run, and lets none begin any more. */
  close(error: Error): void {
    this.#closed = error
    for (const run of [...this.#running, ...this.#queued]) run.end(error)
    for (const run of this.#running) run.place = -1
    this.#running.length = 0
    this.#queued.clear()
  }

  #start(run: Run, now: number): void {
    run.place = this.#running.push(run) - 1
    this.#context.tally.loads.started++
    run.start = now
    begin(run).then(
      (result) => this.#loaded(run, result),
      (error: unknown) => {
        const reason = error instanceof Error ? error.message : quote(error)
        this.#failed(run, new LoadError('ERR_LOAD', `the load of ${run.what} failed: ${reason}`, { cause: error }))
      },
    )
  }

  #loaded(run: Run, result: unknown): void {
    const { load, names, listener } = run
    let values: readonly unknown[]
    try {
      values = load.values(result, names)
    } catch (error) {
      this.#failed(run, error as Error)
      return
    }
    listener.loaded(values, run.start, this.#end(run, true), run)
    this.#leave(run)
  }

  #failed(run: Run, error: Error): void {
    this.#end(run, false)
    run.listener.failed(error)
    this.#leave(run)
  }

  /** Counts a load that ended, and says how long it took, in milliseconds. */
  #end(run: Run, ok: boolean): number {
    const { clock, tally } = this.#context
    const ms = clock.monotonic() - run.start
    run.cancel()
    tally.load(run.names[0] as string, run.names.length, ms, ok)
    return ms
  }

  /** Its place is free for the next one, unless it was given up before. */
  #leave(run: Run): void {
    if (run.place === -1) return
    const last = this.#running.pop() as Run
    last.place = run.place
    if (last !== run) this.#running[last.place] = last
    run.place = -1
    if (this.#queued.size === 0) return
    const [next] = this.#queued
    if (next === undefined || this.#running.length >= this.#context.maxConcurrentLoads) return
    this.#queued.delete(next)
    this.#start(next, this.#context.clock.monotonic())
  }
}

/** A loader may throw at once, or return no promise. */
function begin(run: Run): Promise<unknown> {
  try {
    return Promise.resolve(run.load.call(run.names, run))
  } catch (error) {
    return Promise.reject(error as Error)
  }
}

/** One call of a loader, until its hard time-out. */
class Run extends Due implements OriginRun {
  readonly hardTimeout: number
  readonly load: LoadFunction
  readonly names: string[]
  readonly listener: OriginListener
  readonly stale: unknown
  ttl: number | undefined
  skipped = false
  /** When it began (monotonic). */
  start = 0
  /** Among those that run; -1 when it does not. */
  place = -1
  timedOut = false
  readonly #late: (run: Run) => void
  #controller: AbortController | undefined
  #reason: Error | undefined

  constructor(
    late: (run: Run) => void,
    hardTimeout: number,
    load: LoadFunction,
    names: string[],
    listener: OriginListener,
    stale: unknown,
  ) {
    super()
    this.#late = late
    this.hardTimeout = hardTimeout
    this.load = load
    this.names = names
    this.listener = listener
    this.stale = stale
  }

  /** Made when asked for: an AbortController costs a microsecond, and most loaders never look at their signal. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.#reason) this.#controller.abort(this.#reason)
    return this.#controller.signal
  }

  expire(): void {
    this.#late(this)
  }

  end(error: Error): void {
    this.cancel()
    this.#reason = error
    this.listener.ended(error)
    this.#controller?.abort(error)
  }

  /** What is loaded, for messages. */
  get what(): string {
    const [first = '', ...rest] = this.names
    return rest.length === 0 ? quote(first) : `${quote(first)} and ${rest.length} more`
  }
}
