import { NONE } from '../base/none.ts'
import type { Clock } from '../base/clock.ts'
import { RecentTime } from '../base/recent-time.ts'
import type { FillRequest } from '../node/atomic.ts'
import type { WriteItem, WriteOutcome } from '../node/contract.ts'
import { Places } from './places.ts'
import { MOST_WAITING, Turn, type Batch } from './turn.ts'

/**
 * Does what one shard is asked to do with some keys, together, within `ms`, and tells one of both what came of it, once and
 * later: one outcome each, in order.
 */
export type WriteMany<I, O> = (
  items: readonly I[],
  ms: number,
  replaces: boolean,
  came: (outcomes: readonly O[]) => void,
  failed: (error: unknown) => void,
) => void

/** Who waits for one write. */
export interface Writer<O = WriteOutcome> {
  /** Told what it came to, once. Must not throw: those after it would not be told. */
  written(outcome: O): void
  /** Told instead that the write itself went wrong. Must not throw. */
  failed(error: unknown): void
}

/** An entry as its node takes it. */
export class OneItem implements WriteItem {
  readonly key: string
  readonly value: Uint8Array
  readonly ttl: number

  constructor(key: string, value: Uint8Array, ttl: number) {
    this.key = key
    this.value = value
    this.ttl = ttl
  }
}

/** The same, to be written under a lease. */
export class LeasedItem extends OneItem implements FillRequest {
  readonly token: Uint8Array

  constructor(key: string, value: Uint8Array, ttl: number, token: Uint8Array) {
    super(key, value, ttl)
    this.token = token
  }
}

class WriteBatch<I, O> implements Batch {
  /** Whether an older value must not stay readable when it fails. */
  readonly how: boolean
  readonly ms: number
  readonly since: number
  readonly width: number
  readonly keys: Places = new Places()
  items: I[] = NONE
  writers: Writer<O>[] = NONE
  bytes = 0
  open = true

  constructor(how: boolean, ms: number, since: number, width: number) {
    this.how = how
    this.ms = ms
    this.since = since
    this.width = width
  }
}

/** Of bytes there are no more in a batch, so that nothing waits behind many large values. */
const MOST_BYTES = 64 * 1024

/**
 * Puts together what changes single keys, of one kind (writes, leases, or writes under leases), and what one turn of the
 * event loop asks of one shard, in its order.
 */
export class GatheredWrites<I extends { readonly key: string }, O> {
  readonly #recent: RecentTime
  readonly #write: WriteMany<I, O>
  readonly #refuse: (item: I, replaces: boolean) => O
  readonly #sizeOf: (item: I) => number
  readonly turn: Turn<WriteBatch<I, O>>
  #waiting = 0

  /**
   * @param refuse gives the outcome of one when too many wait
   * @param sizeOf of one, in bytes
   */
  constructor(
    clock: Clock,
    write: WriteMany<I, O>,
    refuse: (item: I, replaces: boolean) => O,
    sizeOf: (item: I) => number,
  ) {
    this.#recent = new RecentTime(clock, 'turn')
    this.#write = write
    this.#refuse = refuse
    this.#sizeOf = sizeOf
    this.turn = new Turn(
      clock,
      (how, ms, since, width) => new WriteBatch<I, O>(how, ms, since, width),
      (batch, ms) => this.#send(batch, ms),
    )
  }

  join(item: I, ms: number, replaces: boolean, writer: Writer<O>): void {
    if (this.#waiting >= MOST_WAITING) {
      const outcome = this.#refuse(item, replaces)
      queueMicrotask(() => writer.written(outcome))
      return
    }
    const batch = this.turn.batch(replaces, ms, this.#recent.monotonic(), this.#waiting === 0)
    // One of another way or time may hold an earlier write of this key, and leave later.
    this.turn.releaseOne(item.key, batch)
    this.#waiting++
    if (batch.items === NONE) {
      batch.items = [item]
      batch.writers = [writer]
    } else {
      batch.items.push(item)
      batch.writers.push(writer)
    }
    batch.keys.add(item.key)
    batch.bytes += this.#sizeOf(item)
    if (batch.items.length === batch.width || batch.bytes >= MOST_BYTES) this.turn.send(batch)
  }

  #send(batch: WriteBatch<I, O>, ms: number): void {
    const { items, how } = batch
    // As with reads: what has grown old keeps nobody.
    let { writers } = batch
    batch.writers = NONE
    this.#write(
      items,
      ms,
      how,
      (outcomes) => {
        this.#waiting -= writers.length
        for (let i = 0; i < writers.length; i++) (writers[i] as Writer<O>).written(outcomes[i] as O)
        writers = NONE
      },
      (error: unknown) => {
        this.#waiting -= writers.length
        for (const writer of writers) writer.failed(error)
        writers = NONE
      },
    )
  }
}
