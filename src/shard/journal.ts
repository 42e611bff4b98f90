import { checkCount, checkOptions } from '../base/check.ts'

/** Options of the journals in which deletes wait for a node that missed them. */
export interface JournalOptions {
  /** The most keys per node; 100,000 unless given. */
  maxKeys?: number
  /** The most bytes per node, counted as keys and 100 bytes for each; 16 MiB unless given. */
  maxBytes?: number
}

/** Checked {@link JournalOptions}. */
export interface JournalLimits {
  readonly maxKeys: number
  readonly maxBytes: number
}

/** Refuses bad {@link JournalOptions}. */
export function checkJournal(given: unknown): JournalLimits {
  const { maxKeys = 100_000, maxBytes = 16 * 1024 * 1024 } =
    given === undefined ? {} : checkOptions(given, 'journal', ['maxKeys', 'maxBytes'])
  return { maxKeys: checkCount(maxKeys, 'journal.maxKeys'), maxBytes: checkCount(maxBytes, 'journal.maxBytes') }
}

/** What is charged to a key beside its characters. */
const OVERHEAD = 100

/**
 * The stored keys that a node still has to remove: deletes that it missed, and older values that a failed write left
 * behind. Bounded by count and bytes.
 */
export class Journal {
  readonly #limits: JournalLimits
  /** When each key was noted, as a count. */
  readonly #noted = new Map<string, number>()
  #bytes = 0
  #stamp = 0

  constructor(limits: JournalLimits) {
    this.#limits = limits
  }

  get size(): number {
    return this.#noted.size
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Counts up with every note: what is noted from now on has a greater number. */
  get stamp(): number {
    return this.#stamp
  }

  has(key: string): boolean {
    return this.#noted.has(key)
  }

  /** Notes a key down; false when there is no room. A key that is there already is noted anew. */
  note(key: string): boolean {
    if (!this.#noted.has(key)) {
      const bytes = cost(key)
      if (this.#noted.size >= this.#limits.maxKeys || this.#bytes + bytes > this.#limits.maxBytes) return false
      this.#bytes += bytes
    }
    this.#noted.set(key, ++this.#stamp)
    return true
  }

  /** Forgets a key that the node removed or overwrote, unless it was noted again since `stamp`. Says whether it did. */
  settle(key: string, stamp: number): boolean {
    const noted = this.#noted.get(key)
    if (noted === undefined || noted > stamp) return false
    this.#noted.delete(key)
    this.#bytes -= cost(key)
    return true
  }

  /** Puts keys behind all others, so that what cannot be removed holds up nothing else. */
  postpone(keys: readonly string[]): void {
    for (const key of keys) {
      const noted = this.#noted.get(key)
      if (noted === undefined) continue
      this.#noted.delete(key)
      this.#noted.set(key, noted)
    }
  }

  /** The first keys of it, at most so many, without some. */
  batch(most: number, except?: ReadonlyMap<string, unknown>): string[] {
    const keys: string[] = []
    for (const key of this.#noted.keys()) {
      if (keys.length === most) break
      if (!except?.has(key)) keys.push(key)
    }
    return keys
  }
}

function cost(key: string): number {
  return Buffer.byteLength(key) + OVERHEAD
}
