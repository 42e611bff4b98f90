import type { Clock } from '../base/clock.ts'
import type { NodeError } from '../base/errors.ts'
import type { WriteItem } from '../node/contract.ts'
import { GatheredReads, type Reader, type ReadMany } from './gathered-reads.ts'
import { GatheredWrites, type WriteMany, type Writer } from './gathered-writes.ts'
import type { ReadPolicy } from './read-policy.ts'

/** What {@link Gather} is made of. */
export interface GatherContext {
  readonly clock: Clock
  readonly read: ReadMany
  readonly write: WriteMany
  /**
   * Gives the error of a call when too many wait.
   *
   * @param missed a key of which an older value must not stay readable
   */
  refuse(operation: 'read' | 'write', missed: string | undefined): NodeError
}

/**
 * Puts together what single calls ask of one shard in one turn of the event loop: the reads, and the writes. The commands
 * of one key leave in the order in which they were asked for.
 */
export class Gather {
  readonly #reads: GatheredReads
  readonly #writes: GatheredWrites

  constructor({ clock, read, write, refuse }: GatherContext) {
    this.#reads = new GatheredReads(clock, read, () => refuse('read', undefined))
    this.#writes = new GatheredWrites(clock, write, ({ key }, replaces) => refuse('write', replaces ? key : undefined))
  }

  /** @param now monotonic */
  read(key: string, policy: ReadPolicy, ms: number, reader: Reader, now: number): void {
    this.#writes.turn.releaseOne(key)
    this.#reads.join(key, policy, ms, reader, now)
  }

  write(item: WriteItem, ms: number, replaces: boolean, writer: Writer): void {
    this.#reads.turn.releaseOne(item.key)
    this.#writes.join(item, ms, replaces, writer)
  }

  /** Sends what holds one of these keys: another command is about to be sent for it. */
  release(keys: readonly string[]): void {
    this.#reads.turn.release(keys)
    this.#writes.turn.release(keys)
  }

  /** Sends all. */
  flush(): void {
    this.#reads.turn.flush()
    this.#writes.turn.flush()
  }
}
