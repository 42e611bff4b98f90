import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { loadHash } from '../../base/hash.ts'
import { readEnvelope, VERSION_BYTES, writeEnvelope, type EntryKind, type Header } from '../../entry/envelope.ts'
import type { AtomicPower, HolderOutcome, LeaseOutcome, LeaseRequest } from '../../node/atomic.ts'
import { assertBytes, fetch, settles, TTL, type Trial } from './trial.ts'

/** An hour: what a case is not to see the end of. */
export const LONG = 3_600_000

/** A version that nobody else has. */
export function newToken(): Buffer {
  return randomBytes(VERSION_BYTES)
}

/** Writes and reads envelopes of one key, and takes leases on it. */
export class Leasing {
  readonly atomic: AtomicPower
  readonly key: string
  readonly #trial: Trial

  constructor(trial: Trial, name: string, atomic: AtomicPower = powerOf(trial)) {
    this.#trial = trial
    this.key = trial.key(name)
    this.atomic = atomic
  }

  /** The same key through another adapter. */
  async elsewhere(): Promise<Leasing> {
    const adapter = await this.#trial.open()
    await settles(adapter.connect(), 'connect()')
    const trial = { ...this.#trial, adapter }
    return new Leasing({ ...trial, key: () => this.key }, '', powerOf(trial))
  }

  async envelope(kind: EntryKind, fields: Partial<Header>, payload: Uint8Array = Buffer.alloc(0)): Promise<Buffer> {
    const now = Date.now()
    const times = { writtenAt: now, freshUntil: now + LONG, entryUntil: now + LONG, loadTime: 0, leaseUntil: 0 }
    const header: Header = { kind, compressed: false, ...times, version: newToken(), ...fields }
    return writeEnvelope(header, payload, this.key, await loadHash())
  }

  /** Writes an entry; gives its version. */
  async entry(payload: Uint8Array, ttl: number = TTL): Promise<Buffer> {
    const version = newToken()
    const value = await this.envelope('value', { version }, payload)
    const outcomes = await settles(this.#trial.adapter.write([{ key: this.key, value, ttl }]), 'write()')
    assert.deepEqual(outcomes, ['stored'])
    return version
  }

  async remove(): Promise<void> {
    assert.deepEqual(await settles(this.#trial.adapter.remove([this.key]), 'remove()'), ['deleted'])
  }

  /** What stands there; fails when it is no envelope of this key. */
  async look(): Promise<{ header: Header; payload: Uint8Array } | undefined> {
    const found = await fetch(this.#trial.adapter, this.key)
    if (found === undefined) return undefined
    assert.ok(found instanceof Uint8Array, 'what read() gives of a key with a lease')
    const envelope = readEnvelope(found, this.key, await loadHash())
    assert.ok(envelope.status === 'ok', `what read() gives of a key with a lease is ${envelope.status}`)
    return envelope
  }

  /** Checks that an entry with this payload stands there. */
  async holds(payload: Uint8Array, what: string): Promise<Header> {
    const found = await this.look()
    assert.equal(found?.header.kind, 'value', `${what}: the kind of what stands there`)
    assertBytes(found?.payload, payload, what)
    return (found as { header: Header }).header
  }

  async request(token: Uint8Array, seen: LeaseRequest['seen'], ms: number): Promise<LeaseRequest> {
    return { key: this.key, seen, token, placeholder: await this.envelope('lease', { version: token }), ms }
  }

  async lease(token: Uint8Array, seen?: LeaseRequest['seen'], ms: number = LONG): Promise<LeaseOutcome> {
    return only(await settles(this.atomic.lease([await this.request(token, seen, ms)]), 'lease()'))
  }

  async renew(token: Uint8Array, ms: number): Promise<HolderOutcome> {
    return only(await settles(this.atomic.renew([{ key: this.key, token, ms }]), 'renew()'))
  }

  async fill(token: Uint8Array, payload: Uint8Array, ttl: number = TTL): Promise<HolderOutcome> {
    const value = await this.envelope('value', {}, payload)
    return only(await settles(this.atomic.fill([{ key: this.key, token, value, ttl }]), 'fill()'))
  }

  async release(token: Uint8Array): Promise<HolderOutcome> {
    return only(await settles(this.atomic.release([{ key: this.key, token }]), 'release()'))
  }

  async expire(now: number, version: Uint8Array): Promise<unknown> {
    return only(await settles(this.atomic.expire([{ key: this.key, now, version }]), 'expire()'))
  }

  /** Checks that who had this token can do nothing any more. */
  async lost(token: Uint8Array, why: string): Promise<void> {
    assert.equal(await this.renew(token, LONG), 'lost', `renew() ${why}`)
    assert.equal(await this.fill(token, this.#trial.value()), 'lost', `fill() ${why}`)
    assert.equal(await this.release(token), 'lost', `release() ${why}`)
  }
}

/** Checks that an outcome of a lease is the envelope with this version. */
export function assertVersion(outcome: LeaseOutcome, version: Uint8Array, what: string): void {
  assert.ok(outcome instanceof Uint8Array, `${what}: expected the bytes that are there, got ${String(outcome)}`)
  assert.ok(Buffer.from(outcome).includes(Buffer.from(version)), `${what}: other bytes than those that are there`)
}

function powerOf({ adapter }: Pick<Trial, 'adapter'>): AtomicPower {
  assert.ok(adapter.powers.atomic, 'there is no atomic power')
  return adapter.powers.atomic
}

function only<T>(outcomes: readonly T[]): T {
  assert.equal(outcomes.length, 1, 'one key must give one outcome')
  return outcomes[0] as T
}
