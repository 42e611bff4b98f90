import type { Clock, Timer } from '../base/clock.ts'
import type { Events, JournalStatus } from '../base/events.ts'
import type { Stamps } from '../base/stamps.ts'
import { isFailure } from '../node/contract.ts'
import type { Guard } from '../node/guard.ts'
import { Journal, type JournalLimits } from './journal.ts'
import { Recent } from './recent.ts'

/** What one node's journal did, in keys: what was added was replayed, settled or dropped, or still waits. */
export interface JournalCounts {
  /** Noted down: deletes that the node missed, and keys whose write failed. A key that waits already is not counted again. */
  added: number
  /** Removed from the node later. */
  replayed: number
  /** Written or deleted again by this process before that, with the node's acknowledgement. */
  settled: number
  /** Not noted, for want of room: entries from before are misses instead. */
  overflowed: number
  /** Given up, because the node left or the cache was closed. */
  dropped: number
}

/** What a {@link Ledger} is made of. */
export interface LedgerContext {
  readonly clock: Clock
  readonly events: Events
  readonly stamps: Stamps
  readonly journal: JournalLimits
  /** Milliseconds. */
  readonly nodeTimeout: number
}

/** A write or a removal that was sent. */
export interface Begun {
  /** The journal's stamp when it began. */
  readonly stamp: number
  /** Those of its keys that were noted then. */
  readonly noted: readonly string[]
}

/** How many keys one command of a replay removes. */
const BATCH = 256
/** The pauses between attempts of a replay at a node that is up and does not do it, in milliseconds. */
const FIRST_PAUSE = 100
const LAST_PAUSE = 5_000

/**
 * What this process knows of a node's entries that its servers do not: which keys it still has to remove, which were
 * written a moment ago, and before when entries are void. It stays with the node while the topology changes around it.
 */
export class Ledger {
  readonly counts: JournalCounts = { added: 0, replayed: 0, settled: 0, overflowed: 0, dropped: 0 }
  /** Entries of the node that were written until this moment (wall clock) are void; 0 when none is. */
  fence = 0
  readonly #node: string
  readonly #context: LedgerContext
  readonly #journal: Journal
  readonly #recent: Recent
  /** How many writes and removals are under way of keys that are noted. */
  readonly #underWay = new Map<string, number>()
  #primary: Guard | undefined
  #replaying = false
  #pause = FIRST_PAUSE
  #timer: Timer | undefined
  #closed = false

  /** @param replicated whether the node has replicas; see {@link Ledger.replicated} */
  constructor(node: string, context: LedgerContext, replicated: boolean) {
    this.#node = node
    this.#context = context
    this.#journal = new Journal(context.journal)
    this.#recent = new Recent(context.clock, replicated)
  }

  /** How many keys wait to be removed. */
  get backlog(): number {
    return this.#journal.size
  }

  /** What they take, in bytes. */
  get bytes(): number {
    return this.#journal.bytes
  }

  /** Names the server that has to be told: the node's primary from now on. */
  attach(primary: Guard): void {
    if (this.#primary === primary) return
    if (this.#primary) this.#primary.onUp = undefined
    this.#primary = primary
    primary.onUp = () => this.#replay()
    this.#replay()
  }

  /** Whether what the node's servers hold of a key is not to be read. */
  owed(key: string): boolean {
    return this.#journal.size > 0 && this.#journal.has(key)
  }

  /** To be told whether the node has replicas now: without any, nobody asks what was changed a moment ago. */
  set replicated(now: boolean) {
    this.#recent.matters = now
  }

  /** Whether a key was written or removed by this process within the last second. */
  recent(key: string): boolean {
    return this.#recent.has(key)
  }

  /**
   * To be told before a write or a removal of keys is sent: those that are noted are not removed behind it. Ends with
   * {@link Ledger.ended}.
   */
  begin(keys: readonly string[]): Begun {
    const stamp = this.#journal.stamp
    if (this.#journal.size === 0) return { stamp, noted: [] }
    const noted = keys.filter((key) => this.#journal.has(key))
    for (const key of noted) this.#underWay.set(key, (this.#underWay.get(key) ?? 0) + 1)
    return { stamp, noted }
  }

  /** To be told when what began has an outcome, before {@link Ledger.settled} and {@link Ledger.missed} are. */
  ended({ noted }: Begun): void {
    this.#recent.changed()
    for (const key of noted) {
      const rest = (this.#underWay.get(key) as number) - 1
      if (rest > 0) this.#underWay.set(key, rest)
      else this.#underWay.delete(key)
    }
  }

  /** The primary wrote or removed a key: what was noted of it before that began is done with. */
  settled(key: string, { stamp }: Begun): void {
    this.#recent.add(key)
    if (this.#journal.size > 0 && this.#journal.settle(key, stamp)) this.counts.settled++
  }

  /** The primary may hold an older value of these keys: they are misses until it has removed them. Says of each whether it was noted. */
  missed(keys: readonly string[]): boolean[] {
    const before = this.#journal.size
    const noted = keys.map((key) => !this.#closed && this.#journal.note(key))
    this.#tell('added', this.#journal.size - before)
    const rest = noted.filter((done) => !done).length
    if (rest > 0 && !this.#closed) {
      this.fence = this.#context.stamps.fence()
      this.#tell('overflowed', rest)
    }
    // After an attempt that failed, its pause holds for what is noted meanwhile as well.
    if (this.#timer === undefined) this.#replay()
    return noted
  }

  /** Gives up what is still noted. */
  close(): void {
    this.#closed = true
    this.#timer?.cancel()
    if (this.#primary) this.#primary.onUp = undefined
    this.#tell('dropped', this.#journal.size)
  }

  /** Removes what is noted, as long as the primary does it. While it is not asked at all, its return will begin this again. */
  #replay(): void {
    if (this.#replaying || this.#journal.size === 0 || this.#closed || !this.#primary?.usable) return
    this.#replaying = true
    this.#timer?.cancel()
    this.#timer = undefined
    void this.#replayAll(this.#primary).finally(() => {
      this.#replaying = false
      if (this.#journal.size === 0 || this.#closed) return
      this.#timer = this.#context.clock.setTimer(() => {
        this.#timer = undefined
        this.#replay()
      }, this.#pause)
      this.#pause = Math.min(LAST_PAUSE, this.#pause * 2)
    })
  }

  async #replayAll(primary: Guard): Promise<void> {
    while (this.#journal.size > 0 && primary.usable && !this.#closed) {
      const keys = this.#journal.batch(BATCH, this.#underWay)
      if (keys.length === 0) return
      const stamp = this.#journal.stamp
      const outcomes = await primary.remove(keys, this.#context.nodeTimeout)
      const done = keys.filter((_, i) => !isFailure(outcomes[i]))
      this.#recent.changed()
      const settled = done.filter((key) => {
        this.#recent.add(key)
        return this.#journal.settle(key, stamp)
      })
      this.#tell('replayed', settled.length)
      if (done.length < keys.length) {
        this.#journal.postpone(keys.filter((_, i) => isFailure(outcomes[i])))
        return
      }
      this.#pause = FIRST_PAUSE
    }
  }

  #tell(status: JournalStatus, keys: number): void {
    if (keys === 0) return
    this.counts[status] += keys
    const { events, clock } = this.#context
    if (events.wanted('journal')) events.emit({ type: 'journal', node: this.#node, status, keys, at: clock.now() })
  }
}
