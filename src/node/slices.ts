import type { NodeError } from '../base/errors.ts'
import { sliceOf, type Slice } from '../base/slice.ts'
import type { ReadGiven } from './contract.ts'

/** What a read gives for one key: its bytes, where they lie; `undefined` when there is none, or what went wrong. */
export type SliceOutcome = Slice | undefined | NodeError

/** The same outcomes with all bytes as slices. */
export function slicesOf(outcomes: ReadGiven): SliceOutcome[] {
  for (const outcome of outcomes) {
    if (outcome instanceof Uint8Array)
      return outcomes.map((one) => (one instanceof Uint8Array ? sliceOf(one) : one)) as SliceOutcome[]
  }
  return outcomes as SliceOutcome[]
}
