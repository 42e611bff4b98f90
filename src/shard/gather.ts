import type { Clock } from '../base/clock.ts'
import type { ReadOutcome } from '../node/contract.ts'
import type { Answers, Source } from './answers.ts'
import type { ReadPolicy } from './read-policy.ts'

/** Reads keys of one shard together, within `ms`. */
export type ReadMany = (keys: readonly string[], policy: ReadPolicy, ms: number) => Promise<Answers>

/** Who waits for one key. An object for each instead of a promise: what thousands wait for is what memory is spent on. */
export interface Reader {
  /** Told what the key came to, once. Must not throw: those after it would not be told. */
  answered(outcome: ReadOutcome, source: Source | undefined): void
  /** Told instead that the read itself went wrong. Must not throw. */
  failed(error: unknown): void
}

interface Batch {
  readonly policy: ReadPolicy
  /** How long each that joined has, from when it did. */
  readonly ms: number
  /** When the first one joined (monotonic). */
  readonly since: number
  readonly keys: string[]
  readonly places: Map<string, number>
  readonly readers: Reader[]
  /** For each reader, the place of its key. */
  readonly at: number[]
  open: boolean
}

/** Keys per batch. A full one is sent at once, so that the server works on it while the next one fills. */
const WIDTH = 64
/** By how much the deadlines of those that share one may differ, in milliseconds. */
const TOGETHER = 5
/** How many batches with different times or policies fill at once. */
const MOST_OPEN = 8
/** How many callers may wait for one node before further ones are refused with `ERR_NODE_BUSY`. */
export const MOST_WAITING = 20_000

/**
 * Puts together the reads of single keys that one turn of the event loop asks of one shard. Each key is asked for once,
 * however many ask. A batch leaves when the turn ends, so one that reads alone waits for nobody.
 *
 * Most of what a read costs is spent per command: a system call, a promise in each layer, a reply to parse.
 */
export class Gather {
  readonly #clock: Clock
  readonly #read: ReadMany
  readonly #refuse: () => Answers
  #open: Batch[] = []
  #waiting = 0

  /** @param refuse gives the answers to one key when too many wait */
  constructor(clock: Clock, read: ReadMany, refuse: () => Answers) {
    this.#refuse = refuse
    this.#clock = clock
    this.#read = read
  }

  join(key: string, policy: ReadPolicy, ms: number, reader: Reader): void {
    if (this.#waiting >= MOST_WAITING) {
      const { outcomes, sources } = this.#refuse()
      queueMicrotask(() => reader.answered(outcomes[0], sources[0]))
      return
    }
    const batch = this.#batch(policy, ms)
    const { keys, places, readers, at } = batch
    this.#waiting++
    readers.push(reader)
    const known = places.get(key)
    if (known !== undefined) {
      at.push(known)
      return
    }
    const place = keys.push(key) - 1
    places.set(key, place)
    at.push(place)
    if (keys.length === WIDTH) this.#send(batch)
  }

  /** Sends the reads of keys that another command is about to ask for, so that a key's commands leave in their order. */
  release(keys: Iterable<string>): void {
    if (this.#open.length === 0) return
    for (const key of keys) {
      for (const batch of this.#open.filter(({ places }) => places.has(key))) this.#send(batch)
    }
  }

  /** Sends what has been gathered. */
  flush(): void {
    for (let batch = this.#open[0]; batch; batch = this.#open[0]) this.#send(batch)
  }

  #batch(policy: ReadPolicy, ms: number): Batch {
    const now = this.#clock.monotonic()
    for (const batch of this.#open) {
      if (batch.policy !== policy || batch.ms !== ms) continue
      if (now - batch.since <= TOGETHER) return batch
      // This turn takes long. Those that come now have more time left than those that wait.
      this.#send(batch)
      break
    }
    if (this.#open.length === MOST_OPEN) this.#send(this.#open[0] as Batch)
    const batch: Batch = { policy, ms, since: now, keys: [], places: new Map(), readers: [], at: [], open: true }
    this.#open.push(batch)
    process.nextTick(() => this.#send(batch))
    return batch
  }

  #send(batch: Batch): void {
    if (!batch.open) return
    batch.open = false
    this.#open.splice(this.#open.indexOf(batch), 1)
    const { keys, policy, ms, since, readers, at } = batch
    // Beyond that, this process itself stood still, which is no time of the node's.
    const waited = Math.min(TOGETHER, this.#clock.monotonic() - since)
    this.#read(keys, policy, Math.max(0, ms - waited)).then(
      ({ outcomes, sources }) => {
        this.#waiting -= readers.length
        for (let i = 0; i < readers.length; i++) {
          const place = at[i] as number
          ;(readers[i] as Reader).answered(outcomes[place], sources[place])
        }
      },
      (error: unknown) => {
        this.#waiting -= readers.length
        for (const reader of readers) reader.failed(error)
      },
    )
  }
}
