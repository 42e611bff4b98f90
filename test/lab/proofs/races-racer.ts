import { ShardedCache } from '../../../src/cache.ts'
import type { CacheFace } from '../../../src/face.ts'
import type { NodeSpec } from '../../../src/node/spec.ts'
import type { LoadPolicyOptions } from '../../../src/loading/policy.ts'
import { below, type Random } from '../random.ts'
import { noCounts, type RaceCounts, type RacesRow } from './races-plan.ts'
import type { RacesTruth } from './races-truth.ts'

interface Value {
  readonly number: number
}

const ANY = ['delete', 'set', 'expire'] as const
const NO_EXPIRE = ['delete', 'set'] as const
/** Keys that are raced for at a time. */
export const LANES = 16
/** Callers of one cache that read a key again and again. */
const READERS = 2
/** Milliseconds. */
const LEASE = 100
/** Of changes to races that are wanted, at the most: not every change meets a load. */
const PATIENCE = 100

/** One cache in the races: it reads and loads all keys, and changes those that are its own, which alone it keeps in L1. */
export class Racer {
  readonly counts: RaceCounts = noCounts()
  readonly #row: RacesRow
  readonly #index: number
  readonly #truth: RacesTruth
  readonly #random: Random
  readonly #cache: ShardedCache
  readonly #after: Promise<unknown>[] = []

  private constructor(row: RacesRow, index: number, truth: RacesTruth, random: Random, cache: ShardedCache) {
    this.#row = row
    this.#index = index
    this.#truth = truth
    this.#random = random
    this.#cache = cache
  }

  static async start(row: RacesRow, index: number, node: NodeSpec, truth: RacesTruth, random: Random): Promise<Racer> {
    // A machine that is busy must not look like a node that fails.
    const cache = await ShardedCache.create({
      nodes: [node],
      nodeTimeout: '5s',
      l1: { ttl: '1m' },
      lease: LEASE,
      random,
    })
    return new Racer(row, index, truth, random, cache)
  }

  /** @param tell is told of each race */
  async run(tell: () => void): Promise<void> {
    const lanes = Array.from({ length: LANES }, async (_, lane) => {
      const space = this.#cache.space<Value>(`lane-${lane}`, this.#policy(lane))
      const own = lane % this.#row.caches === this.#index
      const readers = Array.from({ length: READERS }, () => this.#readOn(space, lane, own))
      await Promise.all([...readers, own && this.#changeOn(space, lane, tell)])
    })
    await Promise.all(lanes)
    await Promise.all(this.#after)
  }

  async close(): Promise<void> {
    await this.#cache.close()
  }

  /** A third of the keys is fresh for long, a third is loaded anew in the background all the time, a third before it ends. */
  #policy(lane: number): LoadPolicyOptions {
    if (lane % 3 === 0) return { ttl: '1m' }
    if (lane % 3 === 1) return { ttl: 20, earlyRefresh: 3 }
    // What was expired may be served while it is loaded anew, where that is allowed at all.
    return { ttl: 3, [this.#expires(lane) ? 'staleIfError' : 'staleWhileRevalidate']: '1m' }
  }

  #expires(lane: number): boolean {
    const { change } = this.#row
    return change === 'expire' || (change === 'any' && lane % 2 === 0)
  }

  async #changeOn(space: CacheFace<Value>, lane: number, tell: () => void): Promise<void> {
    const key = `key-${lane}`
    const wanted = Math.ceil(this.#row.wanted / LANES)
    let races = 0
    for (let changes = 0; races < wanted && changes < wanted * PATIENCE; changes++) {
      await this.#pause(below(this.#random, 4))
      const { number, running } = await this.#truth.bump(key)
      const { ok, status } = await this.#change(space, lane, number)
      if (!ok || status === 'journaled') {
        this.counts.unacknowledged++
        continue
      }
      this.counts.changes++
      if (running > 0) {
        races++
        this.counts.races++
        tell()
      }
      // Comes after it while the old load still runs.
      this.#after.push(this.#read(space, key, true, number))
      if (this.#after.length > 1_000) await Promise.all(this.#after.splice(0))
      await this.#truth.acknowledge(key, number)
    }
    await this.#truth.end(key)
  }

  #change(space: CacheFace<Value>, lane: number, number: number): Promise<{ ok: boolean; status: string }> {
    const { change } = this.#row
    const any = this.#expires(lane) ? ANY : NO_EXPIRE
    const what = change === 'any' ? any[number % any.length] : change
    const key = `key-${lane}`
    if (what === 'set') return space.set(key, { number })
    return what === 'delete' ? space.delete(key) : space.expire(key)
  }

  async #readOn(space: CacheFace<Value>, lane: number, own: boolean): Promise<void> {
    const key = `key-${lane}`
    for (;;) {
      const { least, over } = await this.#truth.look(key)
      if (over) return
      await this.#read(space, key, own, least)
    }
  }

  /** @param least what it must give, unless it gives nothing */
  async #read(space: CacheFace<Value>, key: string, own: boolean, least: number): Promise<void> {
    this.counts.reads++
    const value = await this.#ask(space, key, own).catch(() => {
      this.counts.rejected++
      return undefined
    })
    if (value !== undefined && value.number < least) this.counts.stale++
  }

  #ask(space: CacheFace<Value>, key: string, l1: boolean): Promise<Value | undefined> {
    const how = this.#random()
    if (how < 0.3) return space.get(key, { l1 })
    const cache = how < 0.35 ? 'refresh' : 'use'
    const load = (): Promise<Value> => this.#load(key)
    if (how < 0.9) return space.getOrLoad(key, load, { l1, cache })
    const many = async (): Promise<[string, Value][]> => [[key, await load()]]
    return space.getOrLoadMany([key], many, { l1 }).then((found) => found.get(key))
  }

  async #load(key: string): Promise<Value> {
    this.counts.loads++
    const number = await this.#truth.load(key)
    const chance = this.#random()
    if (this.#row.pace === 'slow' && chance < 0.7) await this.#pause(LEASE * (1 + this.#random()))
    else await this.#pause(below(this.#random, 4))
    if (this.#row.pace === 'still' && chance < 0.05) standStill(LEASE * 1.5)
    await this.#truth.loaded(key)
    return { number }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => (ms === 0 ? setImmediate(resolve) : setTimeout(resolve, ms)))
  }
}

function standStill(ms: number): void {
  const end = performance.now() + ms
  while (performance.now() < end);
}
