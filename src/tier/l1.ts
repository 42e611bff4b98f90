import { LRUCache } from 'lru-cache'
import { checkCount, checkFunction, checkOptions } from '../base/check.ts'
import type { Clock } from '../base/clock.ts'
import { parseDuration, type Duration } from '../base/duration.ts'
import { OptionError, quote } from '../base/errors.ts'
import { RecentTime } from '../base/recent-time.ts'
import { Entry } from '../entry/entry.ts'

/** Options of the in-process tier. */
export interface L1Options {
  /** The most entries it holds; 10,000 unless given. The least recently used one makes room. */
  max?: number
  /** The most bytes it holds, counted as keys and stored values, these before compression; 64 MiB unless given. */
  maxBytes?: number
  /** How long an entry lives here at most; `'5s'` unless given. Never longer than on its node. */
  ttl?: Duration
  /** Which keys may enter; all unless given. A call whose key makes it throw rejects with what it threw. */
  admit?: (key: string) => boolean
  /**
   * Gives every caller a copy of its own, made by `structuredClone` (`true`) or by a function. Unless set, the values are
   * shared by all callers and must not be modified.
   */
  clone?: boolean | ((value: unknown) => unknown)
}

/** What L1 did. */
export interface L1Stats {
  entries: number
  bytes: number
  hits: number
  misses: number
  /** Entries that made room for others. */
  evictions: number
}

/** A moment on both clocks. */
export interface Moment {
  readonly monotonic: number
  readonly now: number
}

interface Slot {
  readonly entry: Entry
  /** Monotonic time. */
  readonly until: number
}

/** What is charged to an entry beside its key and value: map slots, links and objects. */
const OVERHEAD = 250

/** The in-process tier: least recently used, bounded by count and bytes, on the monotonic clock. */
export class L1 {
  readonly #slots: LRUCache<string, Slot>
  readonly #ttl: number
  readonly #admit: ((key: string) => boolean) | undefined
  readonly #clone: ((value: unknown) => unknown) | undefined
  readonly #clock: Clock
  readonly #recent: RecentTime
  #hits = 0
  #misses = 0
  #evictions = 0

  /** @throws OptionError `ERR_OPTION` */
  constructor(options: L1Options, clock: Clock) {
    checkOptions(options, 'l1', ['max', 'maxBytes', 'ttl', 'admit', 'clone'])
    const { max = 10_000, maxBytes = 64 * 1024 * 1024, ttl = '5s', admit, clone } = options
    this.#clock = clock
    this.#recent = new RecentTime(clock, 'millisecond')
    this.#ttl = parseDuration(ttl, 'l1.ttl')
    this.#admit = admit === undefined ? undefined : (checkFunction(admit, 'l1.admit') as (key: string) => boolean)
    this.#clone = checkClone(clone)
    this.#slots = new LRUCache<string, Slot>({
      max: checkCount(max, 'l1.max'),
      maxSize: checkCount(maxBytes, 'l1.maxBytes'),
      sizeCalculation: ({ entry }, key) => entry.size + key.length * 2 + OVERHEAD,
      dispose: (_slot, _key, reason) => {
        if (reason === 'evict') this.#evictions++
      },
    })
  }

  /** The entry, while it is fresh here. Counts a hit or a miss. */
  get(key: string): Entry | undefined {
    const entry = this.hit(key)
    if (!entry) this.#misses++
    return entry
  }

  /** The same, for who asks again after a miss, by `get`: counts hits only. */
  hit(key: string): Entry | undefined {
    const entry = this.#live(key, this.#slots.get(key))
    if (entry) this.#hits++
    return entry
  }

  /** The entry, while it is fresh here. Counts nothing and does not make it recently used. */
  peek(key: string): Entry | undefined {
    return this.#live(key, this.#slots.peek(key))
  }

  /** Whether a key may enter at all: when not, its value need not be prepared. */
  admits(key: string): boolean {
    return this.#admit === undefined || this.#admit(key)
  }

  /**
   * Takes an entry in. Its life counts from when the read or write that brought it began: both clocks' times of that
   * moment are needed.
   */
  set(key: string, entry: Entry, began: Moment): void {
    if (entry.times === undefined || !this.admits(key)) return
    const life = Math.min(this.#ttl, entry.times.freshUntil - began.now)
    const until = began.monotonic + life
    if (until > this.#clock.monotonic()) this.#slots.set(key, { entry, until })
    else this.#slots.delete(key)
  }

  delete(key: string): void {
    this.#slots.delete(key)
  }

  clear(): void {
    this.#slots.clear()
  }

  stats(): L1Stats {
    return {
      entries: this.#slots.size,
      bytes: this.#slots.calculatedSize,
      hits: this.#hits,
      misses: this.#misses,
      evictions: this.#evictions,
    }
  }

  #live(key: string, slot: Slot | undefined): Entry | undefined {
    if (slot === undefined) return undefined
    if (slot.until > this.#recent.monotonic()) {
      const { entry } = slot
      return this.#clone ? new Entry(entry.kind, this.#clone(entry.value), entry.size, entry.times) : entry
    }
    this.#slots.delete(key)
    return undefined
  }
}

function checkClone(given: unknown): ((value: unknown) => unknown) | undefined {
  if (given === undefined || given === false) return undefined
  if (given === true) return (value) => structuredClone(value)
  if (typeof given === 'function') return given as (value: unknown) => unknown
  throw new OptionError('ERR_OPTION', `l1.clone must be true, false or a function; given: ${quote(given)}`)
}
