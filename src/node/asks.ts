import { Slice } from '../base/slice.ts'
import type { Ask } from './call.ts'
import { tell, type NodeAdapter, type ReadGiven, type WriteItem, type WriteOutcome } from './contract.ts'

/** Of somebody who answers with a promise, or throws at once, or gives no promise. */
export function asking<T>(ask: () => Promise<T>): Ask<T> {
  return (asker) => tell(asker, ask())
}

/** To read keys; the bytes may be left where they lie. */
export function toRead(adapter: NodeAdapter, keys: readonly string[]): Ask<ReadGiven> {
  return (asker) => {
    if (adapter.beginRead) adapter.beginRead(keys, Slice, asker)
    else tell(asker, adapter.read(keys))
  }
}

/** To write entries. */
export function toWrite(adapter: NodeAdapter, items: readonly WriteItem[]): Ask<WriteOutcome[]> {
  return (asker) => {
    if (adapter.beginWrite) adapter.beginWrite(items, asker)
    else tell(asker, adapter.write(items))
  }
}
