import { NONE } from '../base/none.ts'
import type { Clock } from '../base/clock.ts'
import type { NodeError } from '../base/errors.ts'
import type { SliceOutcome } from '../node/slices.ts'
import type { Answers, Source } from './answers.ts'
import { Distinct } from './distinct.ts'
import type { ReadPolicy } from './read-policy.ts'
import { MOST_WAITING, Turn, type Batch } from './turn.ts'

/**
 * Reads keys of one shard together, within `ms`, and tells one of both what came of it, once and later.
 *
 * `now` is the time (monotonic): to ask for it takes as long as to hash a key.
 */
export type ReadMany = (
  keys: readonly string[],
  policy: ReadPolicy,
  ms: number,
  came: (answers: Answers) => void,
  failed: (error: unknown) => void,
  now: number,
) => void

/** Who waits for one key. An object for each instead of a promise: what thousands wait for is what memory is spent on. */
export interface Reader {
  /**
   * Told what the key came to, once. Must not throw: those after it would not be told.
   *
   * @param now wall clock: to ask for the time takes as long as to hash a key
   */
  answered(outcome: SliceOutcome, source: Source | undefined, now: number): void
  /** Told instead that the read itself went wrong. Must not throw. */
  failed(error: unknown): void
}

class ReadBatch implements Batch {
  readonly how: ReadPolicy
  readonly ms: number
  readonly since: number
  readonly width: number
  readonly keys: Distinct = new Distinct()
  readers: Reader[] = NONE
  /** So many readers may have asked for as many different keys as it takes. */
  full: number
  open = true

  constructor(how: ReadPolicy, ms: number, since: number, width: number) {
    this.how = how
    this.ms = ms
    this.since = since
    this.width = this.full = width
  }
}

/** Puts together the reads of single keys that one turn of the event loop asks of one shard. Each key is asked for once. */
export class GatheredReads {
  readonly #clock: Clock
  readonly #read: ReadMany
  readonly #refuse: () => NodeError
  readonly turn: Turn<ReadBatch>
  #waiting = 0

  /** @param refuse gives the error of a read when too many wait */
  constructor(clock: Clock, read: ReadMany, refuse: () => NodeError) {
    this.#clock = clock
    this.#refuse = refuse
    this.#read = read
    this.turn = new Turn(
      clock,
      (how, ms, since, width) => new ReadBatch(how, ms, since, width),
      (batch, ms, now) => this.#send(batch, ms, now),
    )
  }

  /**
   * @param now monotonic
   * @param mark a hash of the key, always the same; `undefined` when none is known
   */
  join(key: string, policy: ReadPolicy, ms: number, reader: Reader, now: number, mark?: number): void {
    if (this.#waiting >= MOST_WAITING) {
      const error = this.#refuse()
      queueMicrotask(() => reader.answered(error, undefined, this.#clock.now()))
      return
    }
    const batch = this.turn.batch(policy, ms, now, this.#waiting === 0)
    const { keys } = batch
    this.#waiting++
    keys.take(key, mark)
    if (batch.readers === NONE) batch.readers = [reader]
    else if (batch.readers.push(reader) >= batch.full) this.#filled(batch)
  }

  #filled(batch: ReadBatch): void {
    batch.full += batch.width - batch.keys.settle()
    if (batch.readers.length === batch.full) this.turn.send(batch)
  }

  #send(batch: ReadBatch, ms: number, now: number): void {
    const { keys, how } = batch
    // What has grown old would keep them, and what they found, from being collected while they are young.
    let { readers } = batch
    batch.readers = NONE
    keys.settle()
    const { at } = keys
    this.#read(
      keys.names,
      how,
      ms,
      (answers) => {
        const { outcomes } = answers
        this.#waiting -= readers.length
        const wall = this.#clock.now()
        for (let i = 0; i < readers.length; i++) {
          const place = at[i] as number
          ;(readers[i] as Reader).answered(outcomes[place], answers.sourceOf(place), wall)
        }
        readers = NONE
      },
      (error: unknown) => {
        this.#waiting -= readers.length
        for (const reader of readers) reader.failed(error)
        readers = NONE
      },
      now,
    )
  }
}
