import type { Slice } from '../base/slice.ts'
import { MAX_CLOCK_SKEW } from '../base/stamps.ts'
import { startOf, viewOf } from '../base/view.ts'
import { AT_ENTRY_UNTIL, AT_FRESH_UNTIL, AT_LOAD_TIME, AT_WRITTEN, timeAt } from './envelope.ts'

/** An entry as it is used in this process. Of classes, as all that each read makes; see `OneRead`. */
export class Entry {
  readonly kind: 'value' | 'negative'
  /** What the codec (and the schema) gave; `undefined` for a negative entry. */
  readonly value: unknown
  /** The size of what is stored, in bytes, before compression. */
  readonly size: number
  /** `undefined` for what is stored raw, which carries no times. */
  readonly times: EntryTimes | undefined

  constructor(kind: Entry['kind'], value: unknown, size: number, times: EntryTimes | undefined) {
    this.kind = kind
    this.value = value
    this.size = size
    this.times = times
  }
}

/** Wall-clock milliseconds since 1970, but for `loadTime`, which is how long its load took: 0 when it was not loaded. */
export class EntryTimes {
  readonly writtenAt: number
  readonly freshUntil: number
  /** The end of its longest window. */
  readonly entryUntil: number
  readonly loadTime: number
  /** Whether its writer's clock is too far ahead to be believed. */
  readonly skewed: boolean

  constructor(writtenAt: number, freshUntil: number, entryUntil: number, loadTime: number, skewed: boolean) {
    this.writtenAt = writtenAt
    this.freshUntil = freshUntil
    this.entryUntil = entryUntil
    this.loadTime = loadTime
    this.skewed = skewed
  }
}

/** Those of an envelope that was checked, read at once. @param now wall clock */
export function timesIn({ bytes, from }: Slice, now: number): EntryTimes {
  const view = viewOf(bytes)
  const base = startOf(bytes) + from
  const writtenAt = timeAt(view, base + AT_WRITTEN)
  // An entry must not live longer because its writer's clock is ahead, and counts as written now.
  const ahead = writtenAt > now + MAX_CLOCK_SKEW ? writtenAt - now : 0
  return new EntryTimes(
    writtenAt - ahead,
    timeAt(view, base + AT_FRESH_UNTIL) - ahead,
    timeAt(view, base + AT_ENTRY_UNTIL) - ahead,
    view.getUint32(base + AT_LOAD_TIME),
    ahead !== 0,
  )
}
