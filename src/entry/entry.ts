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
