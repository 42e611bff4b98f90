import type { NodeError } from '../base/errors.ts'
import {
  AT_FLAGS,
  AT_FRESH_UNTIL,
  AT_LEASE_UNTIL,
  AT_VERSION,
  HEADER_BYTES,
  KIND_BITS,
  KINDS,
  VERSION_BYTES,
} from '../entry/envelope.ts'
import type {
  AtomicPower,
  ExpireOutcome,
  ExpireRequest,
  FillRequest,
  HolderOutcome,
  LeaseOutcome,
  LeaseRequest,
  RenewRequest,
  TokenRequest,
} from './atomic.ts'

/** What leases need of the store that they live in. */
export interface LeaseStore {
  /** Why nothing is served any more; `undefined` while something is. */
  closed(): NodeError | undefined
  /** Wall-clock time, in milliseconds. */
  now(): number
  /** What lives under a key. Read-only: somebody may still hold it. */
  get(key: string): Uint8Array | undefined
  /** Writes a copy; with a TTL of its own in milliseconds, or in place, with the TTL that is left. */
  put(key: string, value: Uint8Array, ttl: number | 'left'): 'stored' | NodeError
  remove(key: string): void
}

/** Times are as long as the last field of the header. */
const TIME_BYTES = HEADER_BYTES - AT_LEASE_UNTIL
const MAX_TIME = 2 ** (8 * TIME_BYTES) - 1

/** Leases in a store of this process: it does one thing at a time, so that each step is one step. */
export class MemoryAtomic implements AtomicPower {
  readonly #store: LeaseStore

  constructor(store: LeaseStore) {
    this.#store = store
  }

  lease(requests: readonly LeaseRequest[]): Promise<LeaseOutcome[]> {
    return this.#each(requests, (request) => this.#lease(request))
  }

  renew(requests: readonly RenewRequest[]): Promise<HolderOutcome[]> {
    return this.#each(requests, ({ key, token, ms }) => {
      const held = this.#heldBy(key, token)
      return held ? done(this.#hold(key, held, token, ms)) : 'lost'
    })
  }

  fill(requests: readonly FillRequest[]): Promise<HolderOutcome[]> {
    return this.#each(requests, ({ key, token, value, ttl }) =>
      this.#heldBy(key, token) ? done(this.#store.put(key, value, ttl)) : 'lost',
    )
  }

  release(requests: readonly TokenRequest[]): Promise<HolderOutcome[]> {
    return this.#each(requests, ({ key, token }) => {
      const held = this.#heldBy(key, token)
      if (!held) return 'lost'
      if (!isPlaceholder(held)) return done(this.#store.put(key, leased(held, token, 0), 'left'))
      this.#store.remove(key)
      return 'done'
    })
  }

  expire(requests: readonly ExpireRequest[]): Promise<ExpireOutcome[]> {
    return this.#each(requests, ({ key, now, version }) => {
      const found = this.#store.get(key)
      if (!found) return 'absent'
      if (found.length < HEADER_BYTES || isPlaceholder(found)) {
        this.#store.remove(key)
        return 'deleted'
      }
      const expired = leased(found, version, 0)
      writeTime(expired, Math.min(readTime(found, AT_FRESH_UNTIL), now), AT_FRESH_UNTIL)
      const outcome = this.#store.put(key, expired, 'left')
      return outcome === 'stored' ? 'expired' : outcome
    })
  }

  #lease({ key, seen, token, placeholder, ms }: LeaseRequest): LeaseOutcome {
    const found = this.#store.get(key)
    if (!found) return won(this.#store.put(key, placeholder, ms))
    if (!isEnvelopeLike(found, placeholder)) return seen === 'any' ? won(this.#store.put(key, placeholder, ms)) : found
    const version = versionOf(found)
    const mine = equal(version, token)
    if (isPlaceholder(found)) {
      if (mine) return 'won'
      return seen === 'any' ? won(this.#store.put(key, placeholder, ms)) : found
    }
    if (seen === undefined) return found
    const until = readTime(found, AT_LEASE_UNTIL)
    // One that was released or filled has its token still, and no lease any more.
    if (seen === 'any' || (mine && until > 0)) return won(this.#hold(key, found, token, ms))
    if (until > this.#store.now()) return 'held'
    return equal(version, seen) ? won(this.#hold(key, found, token, ms)) : found
  }

  /** Has a lease hold `ms` from now on what is there. */
  #hold(key: string, found: Uint8Array, token: Uint8Array, ms: number): 'stored' | NodeError {
    return this.#store.put(key, leased(found, token, this.#store.now() + ms), isPlaceholder(found) ? ms : 'left')
  }

  #heldBy(key: string, token: Uint8Array): Uint8Array | undefined {
    const found = this.#store.get(key)
    return found && found.length >= HEADER_BYTES && equal(versionOf(found), token) ? found : undefined
  }

  #each<I, O>(items: readonly I[], act: (item: I) => O): Promise<(O | NodeError)[]> {
    const closed = this.#store.closed()
    return Promise.resolve(items.map((item) => closed ?? act(item)))
  }
}

/** Whether it begins as this envelope does: with magic and format. */
function isEnvelopeLike(found: Uint8Array, envelope: Uint8Array): boolean {
  return found.length >= HEADER_BYTES && equal(found.subarray(0, AT_FLAGS), envelope.subarray(0, AT_FLAGS))
}

function isPlaceholder(found: Uint8Array): boolean {
  return KINDS[(found[AT_FLAGS] as number) & KIND_BITS] === 'lease'
}

function versionOf(found: Uint8Array): Uint8Array {
  return found.subarray(AT_VERSION, AT_VERSION + VERSION_BYTES)
}

/** A copy of an envelope with this version, under a lease until then. */
function leased(found: Uint8Array, version: Uint8Array, until: number): Buffer {
  const copy = Buffer.from(found)
  copy.set(version, AT_VERSION)
  writeTime(copy, until, AT_LEASE_UNTIL)
  return copy
}

function writeTime(bytes: Buffer, time: number, at: number): void {
  bytes.writeUIntBE(Math.min(MAX_TIME, Math.max(0, Math.floor(time))), at, TIME_BYTES)
}

function readTime(bytes: Uint8Array, at: number): number {
  return Buffer.from(bytes.buffer, bytes.byteOffset + at, TIME_BYTES).readUIntBE(0, TIME_BYTES)
}

function equal(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0
}

function won(outcome: 'stored' | NodeError): 'won' | NodeError {
  return outcome === 'stored' ? 'won' : outcome
}

function done(outcome: 'stored' | NodeError): 'done' | NodeError {
  return outcome === 'stored' ? 'done' : outcome
}
