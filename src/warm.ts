import { checkCount, checkFunction, checkIterable, checkOptions, type Unchecked } from './base/check.ts'
import type { Clock } from './base/clock.ts'
import { isCacheError, LoadError, type ErrorCode } from './base/errors.ts'
import { LOAD, patienceOf } from './call-options.ts'
import { checkLoadPolicy, windowOf, type LoadPolicy } from './loading/policy.ts'
import type { LoaderMany, LoadOptions } from './types.ts'

/** Options of `warm`: its own, and those of a load (`ttl`, `hardTimeout`, …), which hold for every batch. */
export interface WarmOptions extends Omit<LoadOptions, 'cache' | 'l1' | 'timeout' | 'earlyRefresh'> {
  /** How many batches run at once at most; 4 unless given. */
  concurrency?: number
  /** How many keys a batch has at most; 100 unless given. */
  batch?: number
  /**
   * How many keys are loaded per second at most, on average, with no more than one second's worth at once; unlimited unless
   * given. Keys that are cached already do not count.
   */
  rate?: number
  /** Called after each batch. What it throws ends the warm-up. */
  onProgress?: (progress: WarmProgress) => void
  /** Aborting takes no more keys: once the batches under way have settled, the warm-up rejects with `signal.reason`. */
  signal?: AbortSignal
}

/** How far a warm-up is. */
export interface WarmResult {
  /** The keys done with, one way or another: the sum of the other three. */
  done: number
  /** Those that the loader was asked for, and answered: keys of which it had nothing are among them. */
  loaded: number
  /** Those that were cached already, given twice, or loaded by somebody else meanwhile. */
  skipped: number
  /** Those of batches that failed. */
  failed: number
}

/** What `onProgress` is told. */
export interface WarmProgress extends WarmResult {
  /** Why the batch that has just settled failed; absent when it did not. */
  error?: unknown
}

/** What is warmed: a cache, or a space. */
export interface WarmFace {
  getOrLoadMany(keys: Iterable<string>, load: LoaderMany<unknown>, options?: LoadOptions): Promise<Map<string, unknown>>
}

const OWN: readonly string[] = ['concurrency', 'batch', 'rate', 'onProgress']
const NOT_OURS: readonly string[] = ['cache', 'l1', 'timeout', 'earlyRefresh']
const KNOWN: readonly string[] = [...OWN, ...LOAD.filter((name) => !NOT_OURS.includes(name))]

/** After so many failed batches in a row there is no point in going on: the source of truth is down, or the loader broken. */
const MOST_FAILURES = 10

/** These are not the source's trouble, but something a person must fix: the next batch would fare no better. */
const FATAL: readonly ErrorCode[] = ['ERR_OPTION', 'ERR_KEY', 'ERR_CLOSED']

/**
 * Loads what is missing of many keys, batch by batch; see `CacheFace.warm`, which this is.
 *
 * @param view the clock that `rate` is measured on, and how the view loads where the options do not say
 */
export async function warmKeys(
  face: WarmFace,
  keys: Iterable<string> | AsyncIterable<string>,
  load: LoaderMany<unknown>,
  view: { readonly clock: Clock; readonly policy: LoadPolicy },
  options: WarmOptions = {},
): Promise<WarmResult> {
  const given = checkOptions(options, 'warm options', KNOWN)
  checkFunction(load, 'the loader')
  if (options.onProgress !== undefined) checkFunction(options.onProgress, 'onProgress')
  const { signal } = patienceOf(given)
  const settings: Settings = {
    concurrency: given['concurrency'] === undefined ? 4 : checkCount(given['concurrency'], 'concurrency'),
    rate: given['rate'] === undefined ? undefined : checkCount(given['rate'], 'rate'),
    batch: given['batch'] === undefined ? 100 : checkCount(given['batch'], 'batch'),
    onProgress: options.onProgress,
    signal,
    load: loadOptions(given, view.policy),
  }
  // A load of nothing checks the options of loads, and that the cache is open, before the first key is taken.
  await face.getOrLoadMany([], load, settings.load)
  return new WarmUp(face, keysOf(keys), load, view.clock, settings).run()
}

interface Settings {
  readonly concurrency: number
  readonly batch: number
  readonly rate: number | undefined
  readonly onProgress: ((progress: WarmProgress) => void) | undefined
  readonly signal: AbortSignal | undefined
  readonly load: LoadOptions
}

type Keys = Iterator<string, unknown> | AsyncIterator<string, unknown>

class WarmUp {
  readonly #face: WarmFace
  readonly #keys: Keys
  readonly #load: LoaderMany<unknown>
  readonly #clock: Clock
  readonly #settings: Settings
  readonly #batch: number
  readonly #result: WarmResult = { done: 0, loaded: 0, skipped: 0, failed: 0 }
  readonly #underWay = new Set<Promise<void>>()
  #stopped: { readonly reason: unknown } | undefined
  /** Failed batches since the last one that went well. */
  #failures = 0
  #lastError: unknown
  #succeeded = false
  /** When the rate allows the next batch, in monotonic milliseconds. */
  #free = 0
  /** Lets the loop look again at what it waits for. */
  #wake = (): void => {}

  constructor(face: WarmFace, keys: Keys, load: LoaderMany<unknown>, clock: Clock, settings: Settings) {
    this.#face = face
    this.#keys = keys
    this.#load = load
    this.#clock = clock
    this.#settings = settings
    this.#batch = Math.min(settings.batch, settings.rate ?? Infinity)
  }

  async run(): Promise<WarmResult> {
    const { signal } = this.#settings
    const aborted = (): void => this.#stop(signal?.reason)
    signal?.addEventListener('abort', aborted, { once: true })
    if (signal?.aborted) aborted()
    try {
      await this.#takeAll()
      await Promise.all(this.#underWay)
    } finally {
      signal?.removeEventListener('abort', aborted)
    }
    if (!this.#succeeded && this.#result.failed > 0) this.#stop(this.#lastError)
    if (this.#stopped) throw this.#stopped.reason
    return { ...this.#result }
  }

  /** Begins batch after batch until there are no more keys, or something has stopped it. */
  async #takeAll(): Promise<void> {
    const { concurrency } = this.#settings
    for (;;) {
      while (this.#underWay.size >= concurrency && !this.#stopped) await this.#woken()
      const taken = await this.#orStopped(() => this.#take())
      if (taken === undefined) break
      // Waits with keys in hand, so that the end of the keys is noticed at once.
      while (taken.keys.length > 0 && !this.#stopped) {
        const pause = this.#free - this.#clock.monotonic()
        if (pause <= 0) break
        await this.#woken(pause)
      }
      if (this.#stopped) break
      if (taken.keys.length > 0) this.#begin(taken.keys)
      if (taken.last) return
    }
    // Not waited for: it may itself wait for a key that never comes.
    void (async () => this.#keys.return?.())().catch(() => {})
  }

  /** @param ms the longest to wait; for ever unless given */
  #woken(ms?: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = ms === undefined ? undefined : this.#clock.setTimer(() => this.#wake(), Math.min(ms, 60_000))
      timer?.ref()
      this.#wake = () => {
        timer?.cancel()
        this.#wake = () => {}
        resolve()
      }
    })
  }

  /** What is taken, or nothing as soon as the warm-up is stopped: keys may never come. */
  #orStopped(take: () => Promise<Batch>): Promise<Batch | undefined> {
    if (this.#stopped) return Promise.resolve(undefined)
    return new Promise((resolve) => {
      this.#wake = () => {
        if (this.#stopped) resolve(undefined)
      }
      take().then(resolve, (error: unknown) => this.#stop(error))
    })
  }

  async #take(): Promise<Batch> {
    const keys: string[] = []
    while (keys.length < this.#batch && !this.#stopped) {
      const { done, value } = await this.#keys.next()
      if (done) return { keys, last: true }
      keys.push(value)
    }
    return { keys, last: false }
  }

  #begin(keys: readonly string[]): void {
    // All of them are reserved; those that turn out not to be loaded are given back.
    this.#free = Math.max(this.#free, this.#clock.monotonic()) + this.#timeOf(keys.length)
    const running = this.#run(keys).then(() => {
      this.#underWay.delete(running)
      this.#wake()
    })
    this.#underWay.add(running)
  }

  /** Never rejects. */
  async #run(keys: readonly string[]): Promise<void> {
    let loaded = 0
    const calls: Promise<void>[] = []
    const load: LoaderMany<unknown> = (missing, context) => {
      loaded += missing.length
      const loading = (async () => this.#load(missing, context))()
      calls.push(outcomeOf(loading, context.signal))
      return loading
    }
    try {
      await this.#face.getOrLoadMany(keys, load, this.#settings.load)
      // Stale entries may be served while the loader runs, and when it fails: that is no success here.
      await Promise.all(calls)
      this.#succeeded = true
      this.#failures = 0
      this.#count({ done: keys.length, loaded, skipped: keys.length - loaded, failed: 0 })
    } catch (error) {
      this.#failures++
      this.#lastError = error
      if (this.#failures >= MOST_FAILURES || FATAL.some((code) => isCacheError(error, code))) this.#stop(error)
      this.#count({ done: keys.length, loaded: 0, skipped: 0, failed: keys.length, error })
    }
    this.#free -= this.#timeOf(keys.length - loaded)
  }

  /** How long the rate makes so many keys last, in milliseconds. */
  #timeOf(keys: number): number {
    return this.#settings.rate === undefined ? 0 : (keys * 1_000) / this.#settings.rate
  }

  #count({ done, loaded, skipped, failed, ...rest }: WarmProgress): void {
    const result = this.#result
    result.done += done
    result.loaded += loaded
    result.skipped += skipped
    result.failed += failed
    try {
      this.#settings.onProgress?.({ ...result, ...rest })
    } catch (error) {
      this.#stop(error)
    }
  }

  /** The first reason counts. */
  #stop(reason: unknown): void {
    this.#stopped ??= { reason }
    this.#wake()
  }
}

interface Batch {
  readonly keys: readonly string[]
  /** Whether there are no more keys after these. */
  readonly last: boolean
}

/** Settles with a loader's call, at the latest when it is given up. */
function outcomeOf(loading: Promise<unknown>, signal: AbortSignal): Promise<void> {
  const outcome = new Promise<void>((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
    loading.then(
      () => resolve(),
      (cause: unknown) => reject(new LoadError('ERR_LOAD', 'the loader of a warm-up failed', { cause })),
    )
  })
  // Where its batch has failed already, nobody waits for it.
  outcome.catch(() => {})
  return outcome
}

function keysOf(given: unknown): Keys {
  const asynchronous = (given as Partial<AsyncIterable<string>> | null | undefined)?.[Symbol.asyncIterator]
  if (typeof asynchronous === 'function') return asynchronous.call(given)
  return (checkIterable(given, 'keys') as Iterable<string>)[Symbol.iterator]()
}

/**
 * The options of every batch. What is stale counts as missing: loads in the background would keep to neither `concurrency`
 * nor `rate`. L1 is for what is read here and now.
 */
function loadOptions(given: Unchecked, policy: LoadPolicy): LoadOptions {
  const passed = Object.entries(given).filter(([name]) => name !== 'signal' && !OWN.includes(name))
  const window = windowOf(checkLoadPolicy(given, policy))
  // As long as before in all, so that what is loaded is kept as long; but next to none of it without waiting.
  const stale: LoadOptions = window > 0 ? { staleWhileRevalidate: 1, staleIfError: window } : {}
  return { ...Object.fromEntries(passed), ...stale, l1: false, earlyRefresh: 0 }
}
