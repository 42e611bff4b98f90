import type { Clock } from '../base/clock.ts'
import type { NodeError } from '../base/errors.ts'
import type { FillRequest, LeaseOutcome, LeaseRequest } from '../node/atomic.ts'
import type { WriteItem, WriteOutcome } from '../node/contract.ts'
import { GatheredReads, type Reader, type ReadMany } from './gathered-reads.ts'
import { GatheredWrites, type WriteMany, type Writer } from './gathered-writes.ts'
import type { Stored } from './outcomes.ts'
import type { ReadPolicy } from './read-policy.ts'
import type { Batch, Turn } from './turn.ts'

/** What {@link Gather} is made of: what a shard does with many keys at once. */
export interface GatherContext {
  readonly clock: Clock
  readonly read: ReadMany
  readonly write: WriteMany<WriteItem, WriteOutcome>
  readonly lease: (requests: readonly LeaseRequest[], ms: number) => Promise<LeaseOutcome[]>
  readonly fill: (requests: readonly FillRequest[], ms: number, replaces: boolean) => Promise<Stored[]>
  /**
   * Gives the error of a call when too many wait.
   *
   * @param missed a key of which an older value must not stay readable
   */
  refuse(operation: 'read' | 'write' | 'lease', missed: string | undefined): NodeError
}

type AnyTurn = Pick<Turn<Batch>, 'release' | 'releaseOne' | 'flush'>

/** Deadlines that differ by less than so many milliseconds are taken for the earliest of them. */
const GRAIN = 5

/**
 * Puts together what single calls ask of one shard in one turn of the event loop: reads, writes, leases, and writes under
 * leases. The commands of one key leave in the order in which they were asked for.
 */
export class Gather {
  readonly #reads: GatheredReads
  readonly #writes: GatheredWrites<WriteItem, WriteOutcome>
  readonly #leases: GatheredWrites<LeaseRequest, LeaseOutcome>
  readonly #fills: GatheredWrites<FillRequest, Stored>
  readonly #turns: readonly AnyTurn[]

  constructor({ clock, read, write, lease, fill, refuse }: GatherContext) {
    const refuseWrite = ({ key }: { key: string }, replaces: boolean): NodeError =>
      refuse('write', replaces ? key : undefined)
    this.#reads = new GatheredReads(clock, read, () => refuse('read', undefined))
    this.#writes = new GatheredWrites(clock, write, refuseWrite, bytesOf)
    this.#leases = new GatheredWrites<LeaseRequest, LeaseOutcome>(
      clock,
      (requests, ms, _, came, failed) => void lease(requests, ms).then(came, failed),
      () => refuse('lease', undefined),
      ({ placeholder }) => placeholder.length,
    )
    this.#fills = new GatheredWrites<FillRequest, Stored>(
      clock,
      (requests, ms, replaces, came, failed) => void fill(requests, ms, replaces).then(came, failed),
      refuseWrite,
      bytesOf,
    )
    this.#turns = [this.#reads.turn, this.#writes.turn, this.#leases.turn, this.#fills.turn]
  }

  /** Reads one key, as `Shard.read` does; see {@link GatheredReads.join}. */
  read(key: string, policy: ReadPolicy, ms: number, reader: Reader, now: number, mark?: number): void {
    this.#releaseOne(key, this.#reads.turn)
    this.#reads.join(key, policy, ms, reader, now, mark)
  }

  /** Writes one entry, as `Shard.write` does. */
  write(item: WriteItem, ms: number, replaces: boolean, writer: Writer): void {
    this.#releaseOne(item.key, this.#writes.turn)
    this.#writes.join(item, ms, replaces, writer)
  }

  /** Takes one lease, as `Shard.lease` does, in at most `ms`: those who want one have waited for their reads already. */
  lease(request: LeaseRequest, ms: number, taker: Writer<LeaseOutcome>): void {
    this.#releaseOne(request.key, this.#leases.turn)
    this.#leases.join(request, ms > GRAIN ? ms - (ms % GRAIN) : ms, false, taker)
  }

  /** Writes one entry under its lease, as `Shard.fill` does. */
  fill(request: FillRequest, ms: number, replaces: boolean, writer: Writer<Stored>): void {
    this.#releaseOne(request.key, this.#fills.turn)
    this.#fills.join(request, ms, replaces, writer)
  }

  /** Sends what holds one of these keys: another command is about to be sent for it. */
  release(keys: readonly string[]): void {
    for (const turn of this.#turns) turn.release(keys)
  }

  /** Sends all. */
  flush(): void {
    for (const turn of this.#turns) turn.flush()
  }

  // Not in a loop: every call comes by here, and nearly always there is nothing to send.
  #releaseOne(key: string, but: AnyTurn): void {
    const reads = this.#reads.turn
    const writes = this.#writes.turn
    const leases = this.#leases.turn
    const fills = this.#fills.turn
    if (reads !== but && reads.size > 0) reads.releaseOne(key)
    if (writes !== but && writes.size > 0) writes.releaseOne(key)
    if (leases !== but && leases.size > 0) leases.releaseOne(key)
    if (fills !== but && fills.size > 0) fills.releaseOne(key)
  }
}

function bytesOf({ value }: { value: Uint8Array }): number {
  return value.length
}
