import type { Clock } from '../base/clock.ts'
import type { Answers } from './answers.ts'
import type { ReadPolicy } from './read-policy.ts'

/** Reads keys of one shard together, within `ms`. */
export type ReadMany = (keys: readonly string[], policy: ReadPolicy, ms: number) => Promise<Answers>

/** A key's place in a batch. */
export interface Place {
  /** What the batch comes to; shared by all that joined it. */
  readonly answers: Promise<Answers>
  readonly at: number
}

interface Batch {
  /** How many callers wait for it. */
  callers: number
  readonly policy: ReadPolicy
  /** How long each that joined has, from when it did. */
  readonly ms: number
  /** When the first one joined (monotonic). */
  readonly since: number
  readonly keys: string[]
  readonly places: Map<string, number>
  readonly answers: Promise<Answers>
  readonly settle: (answers: Promise<Answers>) => void
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

  join(key: string, policy: ReadPolicy, ms: number): Place {
    if (this.#waiting >= MOST_WAITING) return { answers: Promise.resolve(this.#refuse()), at: 0 }
    const batch = this.#batch(policy, ms)
    const { keys, places, answers } = batch
    batch.callers++
    this.#waiting++
    const known = places.get(key)
    if (known !== undefined) return { answers, at: known }
    const at = keys.push(key) - 1
    places.set(key, at)
    if (keys.length === WIDTH) this.#send(batch)
    return { answers, at }
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
    let settle!: Batch['settle']
    const answers = new Promise<Answers>((resolve) => (settle = resolve))
    const batch: Batch = {
      policy,
      ms,
      callers: 0,
      since: now,
      keys: [],
      places: new Map(),
      answers,
      settle,
      open: true,
    }
    this.#open.push(batch)
    process.nextTick(() => this.#send(batch))
    return batch
  }

  #send(batch: Batch): void {
    if (!batch.open) return
    batch.open = false
    this.#open.splice(this.#open.indexOf(batch), 1)
    const { keys, policy, ms, since, settle } = batch
    // Beyond that, this process itself stood still, which is no time of the node's.
    const waited = Math.min(TOGETHER, this.#clock.monotonic() - since)
    const reading = this.#read(keys, policy, Math.max(0, ms - waited))
    const done = (): void => void (this.#waiting -= batch.callers)
    reading.then(done, done)
    settle(reading)
  }
}
