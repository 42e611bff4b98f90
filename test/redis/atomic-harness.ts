import { isCacheError } from '../../src/base/errors.ts'
import { loadHash } from '../../src/base/hash.ts'
import { newVersion, writeEnvelope, type EntryKind, type Header } from '../../src/entry/envelope.ts'
import type { AtomicPower, LeaseRequest } from '../../src/node/atomic.ts'
import type { NodeAdapter } from '../../src/node/contract.ts'

const hash = await loadHash()
export const HOUR = 3_600_000
const WRITER = Buffer.from('abc')

export function token(): Uint8Array {
  return newVersion(Date.now(), WRITER)
}

export function envelope(
  key: string,
  kind: EntryKind,
  fields: Partial<Header> = {},
  payload: Uint8Array = Buffer.alloc(0),
): Buffer {
  const now = Date.now()
  const times = { writtenAt: now, freshUntil: now + HOUR, entryUntil: now + HOUR, loadTime: 0, leaseUntil: 0 }
  return writeEnvelope({ kind, compressed: false, ...times, version: token(), ...fields }, payload, key, hash)
}

export function leaseOf(
  key: string,
  mark: Uint8Array,
  seen?: LeaseRequest['seen'],
  ms: number = HOUR,
  placeholder: Uint8Array = envelope(key, 'lease', { version: mark }),
): LeaseRequest {
  return { key, seen, token: mark, placeholder, ms }
}

export function atomicOf({ powers }: NodeAdapter): AtomicPower {
  if (!powers.atomic) throw new Error('there is no atomic power')
  return powers.atomic
}

/** An outcome in one word. */
export function wordOf(outcome: unknown): unknown {
  if (outcome instanceof Uint8Array) return 'bytes'
  return isCacheError(outcome) ? outcome.code : outcome
}
