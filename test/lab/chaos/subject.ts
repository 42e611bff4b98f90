import type { ShardedCache } from '../../../src/cache.ts'
import { isCacheError } from '../../../src/base/errors.ts'
import type { Wrapped } from '../../../src/types.ts'
import type { StallMeter } from '../meters.ts'
import type { Moment } from '../oracle.ts'
import type { Truth, Value } from '../truth.ts'
import { GRACE } from '../watch.ts'
import type { Judge } from './judges.ts'
import type { Trace } from './trace.ts'

/** What became of the calls of one cache. */
export interface SubjectCounts {
  calls: number
  reads: number
  hits: number
  late: number
  /** The most that a call took over its deadline, in milliseconds, less the stalls of this process. */
  latest: number
  /** Calls that were rejected though the cache must answer, by code. */
  readonly rejected: Record<string, number>
}

export interface SubjectContext {
  readonly cache: ShardedCache
  readonly truth: Truth
  readonly trace: Trace
  readonly stall: StallMeter
  /** Of the keys that this cache changes; told of every change as well: those who judge the other caches. */
  readonly own: Judge
  readonly others: readonly Judge[]
  /** Of the keys that another cache changes. */
  readonly foreign: Judge
  /** Milliseconds. */
  readonly nodeTimeout: number
}

/** A cache in a chaos run: all that it gives is judged, and every call timed. */
export class Subject {
  readonly counts: SubjectCounts = { calls: 0, reads: 0, hits: 0, late: 0, latest: -Infinity, rejected: {} }
  readonly #context: SubjectContext
  readonly #wrapped: Wrapped<[key: string, version: number], Promise<Value>>
  /** How many changes of each key are under way, and how many have begun or settled. */
  readonly #changing = new Map<string, number>()
  readonly #versions = new Map<string, number>()
  /** How often the nodes changed, which fences all flights. */
  #epoch = 0

  constructor(context: SubjectContext) {
    this.#context = context
    const { cache } = context
    cache.on('topology', () => {
      this.#epoch++
      context.truth.overtake()
    })
    this.#wrapped = cache.wrap((key: string, version: number) => this.#load(key, version), { key: (key) => key })
  }

  get(key: string): Promise<unknown> {
    return this.#read([key], 0, async (cache) => [await cache.get(key)])
  }

  getMany(keys: readonly string[]): Promise<unknown> {
    return this.#read(keys, 0, async (cache) => inOrder(keys, await cache.getMany<Value>(keys)))
  }

  /** Keys of another cache, from their nodes: L1 is not told what others do. */
  getForeign(keys: readonly string[]): Promise<unknown> {
    const ask = async (cache: ShardedCache): Promise<unknown[]> =>
      inOrder(keys, await cache.getMany<Value>(keys, { l1: false }))
    return this.#read(keys, 0, ask, this.#context.foreign)
  }

  getOrLoad(key: string): Promise<unknown> {
    const { truth } = this.#context
    const version = this.#version(key)
    const load = (): Promise<Value> => this.#load(key, version)
    return this.#read([key], truth.longest, async (cache) => [await cache.getOrLoad(key, load)])
  }

  getOrLoadMany(keys: readonly string[]): Promise<unknown> {
    const { truth } = this.#context
    const versions = new Map(keys.map((key) => [key, this.#version(key)]))
    const pair = async (key: string): Promise<[string, Value]> => [key, await this.#load(key, versions.get(key)!)]
    const load = (missing: string[]): Promise<[string, Value][]> => Promise.all(missing.map(pair))
    return this.#read(keys, truth.longest, async (cache) => inOrder(keys, await cache.getOrLoadMany<Value>(keys, load)))
  }

  wrapped(key: string): Promise<unknown> {
    return this.#read([key], this.#context.truth.longest, async () => [await this.#wrapped(key, this.#version(key))])
  }

  set(key: string): Promise<void> {
    const { truth } = this.#context
    return this.#change('set', [key], async (cache, [seq]) => [await cache.set(key, truth.value(key, seq))])
  }

  setMany(keys: readonly string[]): Promise<void> {
    const { truth } = this.#context
    return this.#change('set', keys, async (cache, seqs) => {
      const results = await cache.setMany(keys.map((key, i) => [key, truth.value(key, seqs[i])]))
      return keys.map((key) => results.get(key)!)
    })
  }

  delete(key: string): Promise<void> {
    return this.#change('delete', [key], async (cache) => [await cache.delete(key)])
  }

  deleteMany(keys: readonly string[]): Promise<void> {
    return this.#change('delete', keys, async (cache) => {
      const results = await cache.deleteMany(keys)
      return keys.map((key) => results.get(key)!)
    })
  }

  invalidate(key: string): Promise<void> {
    return this.#change('delete', [key], async () => [await this.#wrapped.invalidate(key, 0)])
  }

  async #read(
    keys: readonly string[],
    loading: number,
    ask: (cache: ShardedCache) => Promise<unknown[]>,
    judge: Judge = this.#context.own,
  ): Promise<void> {
    const begun = judge.now()
    const values = await this.#timed('read', keys, loading, ask)
    for (const [i, key] of keys.entries()) this.#judge(judge, key, values?.[i], begun)
  }

  #version(key: string): number {
    return this.#epoch + (this.#versions.get(key) ?? 0)
  }

  /**
   * One load at a time is held to what nothing overtook. A flight that a change, of its key or of the nodes, overtook before
   * its load loads all the same, beside the next one; and while a change is under way, only the cache knows when it fences.
   *
   * @param version of the key when the flight was asked for
   */
  #load(key: string, version: number): Promise<Value> {
    const { truth } = this.#context
    const overtaken = version !== this.#version(key) || this.#changing.has(key)
    if (overtaken) truth.overtake(key)
    const loading = truth.load(key)
    if (overtaken) truth.overtake(key)
    return loading
  }

  #changes(key: string, by: 1 | -1): void {
    const { truth } = this.#context
    truth.overtake(key)
    this.#versions.set(key, (this.#versions.get(key) ?? 0) + 1)
    const under = (this.#changing.get(key) ?? 0) + by
    if (under === 0) this.#changing.delete(key)
    else this.#changing.set(key, under)
  }

  #judge(judge: Judge, key: string, value: unknown, begun: Moment): void {
    const { trace } = this.#context
    this.counts.reads++
    if (value === undefined) return
    this.counts.hits++
    const violation = judge.read(key, value, begun)
    if (violation !== undefined) trace.violation(violation, key)
  }

  async #change(
    kind: 'set' | 'delete',
    keys: readonly string[],
    tell: (cache: ShardedCache, seqs: number[]) => Promise<{ status: string }[]>,
  ): Promise<void> {
    const { truth, own, others, trace } = this.#context
    const seqs = keys.map((key) => truth.change(key))
    const settled = keys.map((key, i) => [own, ...others].map((judge) => judge.changing(kind, key, seqs[i]!)))
    for (const key of keys) this.#changes(key, 1)
    const results = await this.#timed(kind, keys, 0, (cache) => tell(cache, seqs))
    for (const [i, key] of keys.entries()) {
      this.#changes(key, -1)
      const status = results?.[i]?.status ?? 'failed'
      trace.noteKey(key, `${kind} ${seqs[i]}: ${status}`)
      for (const settle of settled[i]!) settle(status)
    }
  }

  async #timed<T>(
    what: string,
    keys: readonly string[],
    loading: number,
    ask: (cache: ShardedCache) => Promise<T>,
  ): Promise<T | undefined> {
    const { cache, stall, trace, nodeTimeout } = this.#context
    const { counts } = this
    const stalled = stall.total()
    const begun = performance.now()
    counts.calls++
    try {
      return await ask(cache)
    } catch (error) {
      const code = isCacheError(error) ? error.code : String(error)
      counts.rejected[code] = (counts.rejected[code] ?? 0) + 1
      trace.violation(`rejected: a ${what} of ${keys.join(', ')}: ${String(error)}`, keys[0])
      return undefined
    } finally {
      const over = performance.now() - begun - nodeTimeout - loading - (stall.total() - stalled)
      counts.latest = Math.max(counts.latest, over)
      if (over > GRACE) {
        counts.late++
        trace.violation(`late: a ${what} of ${keys.join(', ')} settled ${Math.round(over)} ms after its deadline`)
      }
    }
  }
}

function inOrder(keys: readonly string[], found: ReadonlyMap<string, Value>): unknown[] {
  return keys.map((key) => found.get(key))
}
