import { nextTick } from 'node:process'
import type { Clock } from '../base/clock.ts'

/** What is put together while one turn of the event loop lasts, and leaves when it ends. */
export interface Batch {
  /** What all that is in it have in common; two of them are the same if they are identical. */
  readonly how: unknown
  /** How long each that joined has, from when it did, in milliseconds. */
  readonly ms: number
  /** When the first one joined (monotonic). */
  readonly since: number
  /** How much it takes: when it is full it leaves at once. */
  readonly width: number
  /** The keys in it. */
  readonly keys: { has(key: string): boolean }
  open: boolean
}

/** By how much the deadlines of those that share a batch may differ, in milliseconds. */
const TOGETHER = 5
/** How many batches with different times or ways fill at once. */
const MOST_OPEN = 8
/** A full batch leaves at once. While the server has nothing to do, a small one does, and it works while the next one fills. */
export const WIDTH = 64
const WIDTH_WHEN_IDLE = 16
/** How many callers may wait for one node before further ones are refused with `ERR_NODE_BUSY`. */
export const MOST_WAITING = 20_000

/**
 * The batches that fill during one turn of the event loop. They leave when it ends, so what is asked alone waits for nobody.
 *
 * Most of what a call costs is spent per command: a system call, a promise in each layer, a reply to parse.
 */
export class Turn<B extends Batch> {
  readonly #clock: Clock
  readonly #make: (how: B['how'], ms: number, since: number, width: number) => B
  readonly #send: (batch: B, ms: number, now: number) => void
  #open: B[] = []

  /**
   * @param make an empty batch
   * @param send sends one, which has `ms` left, `now` (monotonic); must not throw
   */
  constructor(
    clock: Clock,
    make: (how: B['how'], ms: number, since: number, width: number) => B,
    send: (batch: B, ms: number, now: number) => void,
  ) {
    this.#clock = clock
    this.#make = make
    this.#send = send
  }

  /**
   * The batch to join.
   *
   * @param now monotonic
   * @param idle whether nobody waits for the server
   */
  batch(how: B['how'], ms: number, now: number, idle: boolean): B {
    for (const batch of this.#open) {
      if (batch.how !== how || batch.ms !== ms) continue
      if (now - batch.since <= TOGETHER) return batch
      // This turn takes long. Those that come now have more time left than those that wait.
      this.send(batch)
      break
    }
    if (this.#open.length === MOST_OPEN) this.send(this.#open[0] as B)
    const batch = this.#make(how, ms, now, idle ? WIDTH_WHEN_IDLE : WIDTH)
    this.#open.push(batch)
    nextTick(() => this.send(batch))
    return batch
  }

  /** How many batches fill. */
  get size(): number {
    return this.#open.length
  }

  send(batch: B): void {
    if (!batch.open) return
    batch.open = false
    if (this.#open.length === 1) this.#open.pop()
    else this.#open.splice(this.#open.indexOf(batch), 1)
    // Beyond that, this process itself stood still, which is no time of the node's.
    const now = this.#clock.monotonic()
    const waited = Math.min(TOGETHER, now - batch.since)
    this.#send(batch, Math.max(0, batch.ms - waited), now)
  }

  /** Sends what holds one of these keys, since another command is about to be sent for it: a key's commands leave in order. */
  release(keys: Iterable<string>): void {
    if (this.#open.length === 0) return
    for (const key of keys) this.releaseOne(key)
  }

  /** The same for one key; `but` stays, which that command is about to join. */
  releaseOne(key: string, but?: B): void {
    if (this.#open.length === 0 || (this.#open.length === 1 && this.#open[0] === but)) return
    for (const batch of this.#open.filter((one) => one !== but && one.keys.has(key))) this.send(batch)
  }

  /** Sends all. */
  flush(): void {
    for (let batch = this.#open[0]; batch; batch = this.#open[0]) this.send(batch)
  }
}
