import type { Unchecked } from '../base/check.ts'
import { durationOr, type Duration } from '../base/duration.ts'
import { OptionError, quote } from '../base/errors.ts'
import type { Freshness } from './freshness.ts'

/** How long entries live, and how they are loaded: of the cache, a space, a wrapped function, or one call. */
export interface LoadPolicyOptions {
  /** How long entries are fresh: finite; `'5m'` unless given. */
  ttl?: Duration
  /** How long "there is none" is remembered when a loader returns `undefined`. Not at all unless given. */
  negativeTtl?: Duration
  /** For how long after `ttl` an entry is still served at once, while it is loaded anew in the background. Not unless given; 0 for not. */
  staleWhileRevalidate?: Duration
  /** For how long after `ttl` an entry is still served when its load fails, or passes `softTimeout`. Not unless given; 0 for not. */
  staleIfError?: Duration
  /**
   * The share of `ttl` that is left to chance, 0 to 1: an entry is fresh for between `ttl × (1 - jitter)` and `ttl`, evenly
   * spread, so that what was written together does not end together. 0 unless given.
   */
  jitter?: number
  /**
   * XFetch's β: an entry may be loaded anew in the background before it ends, the more likely the nearer the end, from about
   * β load times before. 1 is the paper's; 0, the default, switches it off.
   */
  earlyRefresh?: number
  /** After a failed load, how long its error answers (or the stale value, where `staleIfError` allows) before the next load. */
  retryAfterError?: Duration
  /** After how long a loader's callers get the stale value that `staleIfError` allows, while it goes on. Not unless given. */
  softTimeout?: Duration
  /** How long a loader may take before its callers are rejected; `'30s'` unless given. */
  hardTimeout?: Duration
  /**
   * How long the lease lasts by which one process loads a key and others wait, on nodes that have leases; `'3s'` unless
   * given. Renewed while the loader runs: it is how long others wait for a process that died.
   */
  lease?: Duration
}

/** Checked {@link LoadPolicyOptions}; times in milliseconds. */
export interface LoadPolicy extends Freshness {
  readonly ttl: number
  readonly negativeTtl: number | undefined
  readonly jitter: number
  readonly retryAfterError: number | undefined
  readonly softTimeout: number | undefined
  readonly hardTimeout: number
  readonly lease: number
}

/** The names of {@link LoadPolicyOptions}. */
export const LOAD_POLICY: readonly string[] = [
  'ttl',
  'negativeTtl',
  'staleWhileRevalidate',
  'staleIfError',
  'jitter',
  'earlyRefresh',
  'retryAfterError',
  'softTimeout',
  'hardTimeout',
  'lease',
]

export const DEFAULT_POLICY: LoadPolicy = {
  ttl: 300_000,
  negativeTtl: undefined,
  staleWhileRevalidate: 0,
  staleIfError: 0,
  jitter: 0,
  earlyRefresh: 0,
  retryAfterError: undefined,
  softTimeout: undefined,
  hardTimeout: 30_000,
  lease: 3_000,
}

/**
 * Checks {@link LoadPolicyOptions}; what is left out comes from `base`.
 *
 * @throws OptionError `ERR_OPTION`
 */
export function checkLoadPolicy(options: Unchecked, base: LoadPolicy): LoadPolicy {
  return {
    ttl: durationOr(options, 'ttl', base.ttl),
    negativeTtl: durationOr(options, 'negativeTtl', base.negativeTtl),
    staleWhileRevalidate: windowOr(options, 'staleWhileRevalidate', base.staleWhileRevalidate),
    staleIfError: windowOr(options, 'staleIfError', base.staleIfError),
    jitter: numberOr(options, 'jitter', base.jitter, 1),
    earlyRefresh: numberOr(options, 'earlyRefresh', base.earlyRefresh, 1_000),
    retryAfterError: windowOr(options, 'retryAfterError', base.retryAfterError),
    softTimeout: durationOr(options, 'softTimeout', base.softTimeout),
    hardTimeout: durationOr(options, 'hardTimeout', base.hardTimeout),
    lease: durationOr(options, 'lease', base.lease),
  }
}

/** Unlike other durations, none at all: so that a call can do without what its cache has. */
function windowOr<T>(options: Unchecked, name: string, base: T): number | T {
  return options[name] === 0 ? 0 : durationOr(options, name, base)
}

function numberOr(options: Unchecked, name: string, base: number, most: number): number {
  const given = options[name]
  if (given === undefined) return base
  if (typeof given === 'number' && given >= 0 && given <= most) return given
  throw new OptionError('ERR_OPTION', `${name} must be a number from 0 to ${most}; given: ${quote(given)}`)
}

/** How long an entry that is written now is fresh. @param random in [0, 1) */
export function spread(ttl: number, { jitter }: LoadPolicy, random: () => number): number {
  return jitter === 0 ? ttl : Math.max(1, Math.round(ttl * (1 - jitter * random())))
}

/** How long an entry is kept beyond its freshness. */
export function windowOf({ staleWhileRevalidate, staleIfError }: Freshness): number {
  return Math.max(staleWhileRevalidate, staleIfError)
}
