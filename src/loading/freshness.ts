import type { Entry } from '../entry/entry.ts'

/** How long an entry may be served beyond its `ttl`, and how early it is loaded anew. */
export interface Freshness {
  /** After `ttl`, for so long: served at once while it is loaded anew in the background. Milliseconds. */
  readonly staleWhileRevalidate: number
  /** After `ttl`, for so long: served when its load fails, or takes longer than the soft time-out. Milliseconds. */
  readonly staleIfError: number
  /** XFetch's β: the greater, the earlier; 0 for never before `ttl`. */
  readonly earlyRefresh: number
}

/** What an entry is good for now. */
export type Verdict =
  /** To be served. */
  | 'fresh'
  /** To be served, and loaded anew in the background: it is fresh, but not for long. */
  | 'early'
  /** To be served, and loaded anew in the background. */
  | 'stale'
  /** To be served only if its load fails or takes long. */
  | 'fallback'
  /** Not to be served. */
  | 'expired'

/** Nothing is served beyond its `ttl`. */
export const FRESH_ONLY: Freshness = { staleWhileRevalidate: 0, staleIfError: 0, earlyRefresh: 0 }

/**
 * What an entry is good for at `now` (wall-clock milliseconds). Pure: the one place where freshness is decided.
 *
 * The early refresh is XFetch: each reader decides by itself, the more likely the nearer the end and the longer the load
 * took, so that many readers of one entry do not load it in step. After Vattani, Chierichetti and Lowenstein, "Optimal
 * Probabilistic Cache Stampede Prevention" (PVLDB 8(8), 2015).
 *
 * @param random in [0, 1)
 */
export function judge({ times }: Entry, now: number, random: () => number, freshness: Freshness): Verdict {
  // What is stored raw lives as long as its node keeps it.
  if (times === undefined) return 'fresh'
  const { freshUntil, entryUntil, loadTime } = times
  const { staleWhileRevalidate, staleIfError, earlyRefresh } = freshness
  if (now < freshUntil) {
    if (earlyRefresh === 0 || loadTime === 0) return 'fresh'
    return now - loadTime * earlyRefresh * Math.log(1 - random()) < freshUntil ? 'fresh' : 'early'
  }
  if (now >= entryUntil) return 'expired'
  if (now < freshUntil + staleWhileRevalidate) return 'stale'
  return now < freshUntil + staleIfError ? 'fallback' : 'expired'
}
