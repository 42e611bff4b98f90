import type { NodeError } from '../base/errors.ts'
import type { ExpireOutcome, HolderOutcome } from '../node/atomic.ts'
import type { RemoveOutcome, WriteOutcome } from '../node/contract.ts'

/** What a write came to; `lost`: the lease under which it was to be written is gone. */
export type Stored = WriteOutcome | 'lost'

/**
 * What became of a removal: the node did it, will be told (`journaled`), or could be neither told nor noted down
 * (`failed`). The error is what kept the node from it.
 */
export type Removal =
  | { readonly status: Exclude<RemoveOutcome, NodeError>; readonly error?: undefined }
  | { readonly status: 'journaled' | 'failed'; readonly error: NodeError }

export function storedOf(outcome: HolderOutcome): Stored {
  return outcome === 'done' ? 'stored' : outcome
}

export function removedOf(outcome: ExpireOutcome): RemoveOutcome {
  return outcome === 'expired' ? 'deleted' : outcome
}
