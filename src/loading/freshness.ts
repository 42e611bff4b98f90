import type { Entry } from '../entry/form.ts'

/** What an entry is good for now. */
export type Verdict =
  /** A value to serve. */
  | 'fresh'
  /** "There is none", and that is still known. */
  | 'negative'
  /** Not to be served. */
  | 'expired'

/** What an entry is good for at `now` (wall-clock milliseconds). Pure: the one place where freshness is decided. */
export function judge(entry: Entry, now: number): Verdict {
  if (entry.times !== undefined && entry.times.freshUntil <= now) return 'expired'
  return entry.kind === 'negative' ? 'negative' : 'fresh'
}
