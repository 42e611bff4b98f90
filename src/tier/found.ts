import type { NodeError } from '../base/errors.ts'
import type { Slice } from '../base/slice.ts'
import type { Entry } from '../entry/entry.ts'

/** What a read found for one key. */
export class Found {
  readonly entry: Entry | undefined
  /** What the node has, whatever that is. */
  readonly bytes: Slice | undefined
  /** `'l1'`, or the id of the node that was asked. */
  readonly source: string
  /** What kept the node from answering. */
  readonly error: NodeError | undefined

  constructor(entry: Entry | undefined, bytes: Slice | undefined, source: string, error: NodeError | undefined) {
    this.entry = entry
    this.bytes = bytes
    this.source = source
    this.error = error
  }
}
