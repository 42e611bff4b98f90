import { isCacheError } from '../../src/base/errors.ts'
import type { CacheFace } from '../../src/face.ts'
import { StallMeter } from './meters.ts'
import { Oracle, type Allowance } from './oracle.ts'
import { Truth, TruthError, type Value } from './truth.ts'

/** What is watched of a cache. */
export type Watchable = Pick<CacheFace<Value>, 'get' | 'getMany' | 'getOrLoad' | 'set' | 'delete'>

/** The names of the calls. */
export type Call = keyof Watchable

export interface WatchOptions {
  /** The cache's `nodeTimeout`, in milliseconds. */
  nodeTimeout: number
  allow?: readonly Allowance[]
  /** Bytes added to each value. */
  pad?: number
}

/** How late a call may be besides the stalls of the process, in milliseconds: promise 1. */
export const GRACE = 50

/**
 * A cache whose every call is watched: what it gives by the oracle, when it settles by the clock. Calls resolve to what the
 * cache gave, and to `undefined` when it rejected, which is counted.
 */
export class Watch {
  readonly oracle: Oracle
  readonly truth: Truth
  calls = 0
  /** Calls under way. */
  pending = 0
  late = 0
  /** The most that a call took over its deadline, less the stalls of this process; negative when none did. */
  latest: number = -Infinity
  /** Calls that were rejected, by code, but for loads whose loader failed. */
  readonly rejected: Record<string, number> = {}
  /** Loads that were rejected since their loader failed. */
  loadErrors = 0
  readonly #cache: Watchable
  readonly #nodeTimeout: number
  readonly #stall: StallMeter = new StallMeter()

  constructor(cache: Watchable, options: WatchOptions) {
    this.#cache = cache
    this.#nodeTimeout = options.nodeTimeout
    this.oracle = new Oracle(options.allow)
    this.truth = new Truth(options.pad)
  }

  get(key: string): Promise<Value | undefined> {
    return this.#read(
      [key],
      () => this.#cache.get(key),
      (value) => [value],
    )
  }

  getMany(keys: readonly string[]): Promise<ReadonlyMap<string, Value> | undefined> {
    return this.#read(
      keys,
      () => this.#cache.getMany(keys),
      (found) => keys.map((key) => found.get(key)),
    )
  }

  getOrLoad(key: string): Promise<Value | undefined> {
    const load = (): Promise<Value> => this.truth.load(key)
    return this.#read(
      [key],
      () => this.#cache.getOrLoad(key, load),
      (value) => [value],
      this.truth,
    )
  }

  /** Commits a change to the truth and writes it through. */
  set(key: string): Promise<string | undefined> {
    return this.#change('set', key, (seq) => this.#cache.set(key, this.truth.value(key, seq)))
  }

  /** Commits a change to the truth and deletes the key. */
  delete(key: string): Promise<string | undefined> {
    return this.#change('delete', key, () => this.#cache.delete(key))
  }

  stop(): void {
    this.#stall.stop()
  }

  async #read<T>(
    keys: readonly string[],
    ask: () => Promise<T>,
    values: (given: T) => unknown[],
    loads?: Truth,
  ): Promise<T | undefined> {
    const begun = this.oracle.now()
    const given = await this.#timed(ask, loads)
    if (given === undefined) for (const key of keys) this.oracle.read(key, undefined, begun)
    else for (const [index, value] of values(given).entries()) this.oracle.read(keys[index] ?? '', value, begun)
    return given
  }

  async #change(
    kind: 'set' | 'delete',
    key: string,
    tell: (seq: number) => Promise<{ status: string }>,
  ): Promise<string | undefined> {
    const seq = this.truth.change(key)
    const settled = this.oracle.changing(kind, key, seq)
    this.truth.overtake(key)
    const result = await this.#timed(() => tell(seq))
    this.truth.overtake(key)
    settled(result?.status ?? 'failed')
    return result?.status
  }

  async #timed<T>(ask: () => Promise<T>, loads?: Truth): Promise<T | undefined> {
    const stalled = this.#stall.total()
    const begun = performance.now()
    this.calls++
    this.pending++
    try {
      return await ask()
    } catch (error) {
      const code = isCacheError(error) ? error.code : String(error)
      if (code === 'ERR_LOAD' && (error as Error).cause instanceof TruthError) this.loadErrors++
      else this.rejected[code] = (this.rejected[code] ?? 0) + 1
      return undefined
    } finally {
      this.pending--
      // A load may take what its loader takes, and what it takes to find that the node does not answer.
      const deadline = this.#nodeTimeout + (loads?.longest ?? 0)
      const over = performance.now() - begun - deadline - (this.#stall.total() - stalled)
      this.latest = Math.max(this.latest, over)
      if (over > GRACE) this.late++
    }
  }
}
