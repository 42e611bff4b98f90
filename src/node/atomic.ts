import type { NodeError } from '../base/errors.ts'

/** A lease to be taken on one key. */
export interface LeaseRequest {
  /** The stored key. */
  key: string
  /**
   * The version (12 bytes) of the entry that is to be replaced, which stays readable meanwhile; `undefined` when there was
   * none. With `'any'` the lease is taken over, whatever is there and whoever holds it.
   */
  seen: Uint8Array | 'any' | undefined
  /** What proves the lease later: a version (12 bytes) that nobody else has. */
  token: Uint8Array
  /** What stands for an entry that is not there yet: an envelope of the kind `lease` whose version is the token. */
  placeholder: Uint8Array
  /** How long the lease holds unless it is renewed, in milliseconds: a whole number of at least 1. */
  ms: number
}

/**
 * What taking a lease comes to: `won`; `held` by somebody else on an entry that is there; the bytes that are there instead
 * (somebody else's placeholder, an entry that was written meanwhile, one of another version than was seen, or what is no
 * envelope); or a failure. Who already holds it by this very token has `won`: the reply to an earlier request was lost.
 */
export type LeaseOutcome = 'won' | 'held' | Uint8Array | NodeError

/** A key and the token of the lease on it. */
export interface TokenRequest {
  key: string
  token: Uint8Array
}

/** A lease that goes on. */
export interface RenewRequest extends TokenRequest {
  /** From now on, in milliseconds: a whole number of at least 1. */
  ms: number
}

/** An entry to be written by the holder of a lease. */
export interface FillRequest extends TokenRequest {
  value: Uint8Array
  /** Milliseconds: a whole number of at least 1. */
  ttl: number
}

/** What a holder did: `done`, or nothing because the lease was `lost` (to a write, a delete, or its end). */
export type HolderOutcome = 'done' | 'lost' | NodeError

/** An entry that is out of date from now on. */
export interface ExpireRequest {
  key: string
  /** Now, by the caller's wall clock. */
  now: number
  /** The version that the entry gets, so that leases on it are void. */
  version: Uint8Array
}

/** What making an entry out of date comes to: a placeholder, and what is shorter than a header, is `deleted`. */
export type ExpireOutcome = 'expired' | 'deleted' | 'absent' | NodeError

/**
 * The optional power of a server that can compare and change in one step. Every call takes many keys and gives one outcome
 * per key, in order, duplicates included; the promise never rejects.
 *
 * A lease lives in the entry itself, in the fields `version` and `lease-until` of the envelope (see `docs/envelope.md`): a
 * write or a delete of the key, by whomever, ends it, and a fill that comes after that finds its token gone.
 *
 * - Absent key: the placeholder is written, with a TTL of `ms`, if there is still nothing; whatever was `seen`.
 * - Present entry: if its version is `seen` and no lease holds on it, its version becomes the token and its `lease-until`
 *   the server's time plus `ms`. Payload and TTL stay.
 * - Somebody else's placeholder holds for as long as it lives.
 * - `seen: 'any'`: a placeholder, and what is no envelope, is replaced by this one's placeholder; an entry is taken in place.
 *   Never `held`, never bytes. Whoever held the lease finds it `lost`.
 * - Time is the server's, so that the clocks of processes need not agree.
 */
export interface AtomicPower {
  /** Takes leases that nobody holds. */
  lease(requests: readonly LeaseRequest[]): Promise<LeaseOutcome[]>
  /** Lets leases go on: a placeholder lives `ms` from now, a lease on an entry holds `ms` from now. */
  renew(requests: readonly RenewRequest[]): Promise<HolderOutcome[]>
  /** Writes the entries whose version is still the token. */
  fill(requests: readonly FillRequest[]): Promise<HolderOutcome[]>
  /** Gives leases back: a placeholder with this token is removed, a lease on an entry ends. */
  release(requests: readonly TokenRequest[]): Promise<HolderOutcome[]>
  /** Sets `fresh-until` to now (never later than it was) and the version to the given one; removes placeholders. */
  expire(requests: readonly ExpireRequest[]): Promise<ExpireOutcome[]>
}
