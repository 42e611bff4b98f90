import type { ByteSliceClass } from '../base/slice.ts'
import type { Asker, ReadGiven } from '../node/contract.ts'
import { fitValue, type Fit, type RowReplies } from './replies.ts'
import type { RowAsker, RowShape } from './row.ts'

/** Told that a read was refused as a whole, or lost. Must not throw. */
export type ReadRefused = (error: Error, read: ReadRow) => void

/** A row that reads keys, and who is told what came of it: one object, since what is read alone pays for each. */
export class ReadRow implements RowShape<Uint8Array | undefined>, RowAsker<Uint8Array | undefined> {
  readonly name: string
  readonly keys: readonly string[]
  readonly replies: 'one' | 'list'
  readonly fit: Fit<Uint8Array | undefined> = fitValue
  readonly slice: ByteSliceClass | undefined
  readonly asker: Asker<ReadGiven>
  /** The number of the connection over which it was sent. */
  readonly epoch: number
  readonly #refused: ReadRefused

  constructor(
    keys: readonly string[],
    slice: ByteSliceClass | undefined,
    asker: Asker<ReadGiven>,
    epoch: number,
    refused: ReadRefused,
  ) {
    const alone = keys.length === 1
    this.name = alone ? 'get' : 'mget'
    this.keys = keys
    this.replies = alone ? 'one' : 'list'
    this.slice = slice
    this.asker = asker
    this.epoch = epoch
    this.#refused = refused
  }

  came({ replies }: RowReplies<Uint8Array | undefined>): void {
    this.asker.came(replies as ReadGiven)
  }

  refused(error: Error): void {
    this.#refused(error, this)
  }
}
