import type { NodeError } from '../base/errors.ts'
import { Slice, sliceOf } from '../base/slice.ts'
import type { NodeAdapter, ReadOutcome } from './contract.ts'

/** What a read gives for one key: its bytes, where they lie; `undefined` when there is none, or what went wrong. */
export type SliceOutcome = Slice | undefined | NodeError

/** What an adapter gives for some keys that may leave bytes where they lie. */
export type Given = (ReadOutcome | Slice)[]

/** Reads keys; the bytes may be left where they lie. */
export function readSlices(adapter: NodeAdapter, keys: readonly string[]): Promise<Given> {
  return adapter.read(keys, Slice) as Promise<Given>
}

/** The same outcomes with all bytes as slices. */
export function slicesOf(outcomes: Given): SliceOutcome[] {
  for (const outcome of outcomes) {
    if (outcome instanceof Uint8Array) return outcomes.map((one) => (one instanceof Uint8Array ? sliceOf(one) : one))
  }
  return outcomes as SliceOutcome[]
}
