import type { Hash } from '../base/hash.ts'
import { MAX_CLOCK_SKEW } from '../base/stamps.ts'
import { decodeJson, encodeJson, encodeValue, jsonCodec, type Codec } from './codec.ts'
import { inflate, MAX_INFLATED, type Compression } from './compression.ts'
import {
  AT_ENTRY_UNTIL,
  AT_FRESH_UNTIL,
  AT_LEASE_UNTIL,
  AT_VERSION,
  AT_WRITTEN,
  checkEnvelope,
  HEADER_BYTES,
  isCompressed,
  isVersionOf,
  kindIn,
  loadTimeIn,
  newVersion,
  timeIn,
  VERSION_BYTES,
  writeEnvelope,
} from './envelope.ts'
import { Compressible, plainOf, plainSize, storedSize, toCompress, type Payload, type Plain } from './payload.ts'
import type { StandardSchema } from './schema.ts'

/** How values are kept on nodes: the checked options of a cache or a space. */
export interface Form {
  readonly codec: Codec
  readonly schema: StandardSchema | undefined
  readonly format: 'envelope' | 'raw'
  readonly compression: Compression | undefined
  readonly maxInflatedBytes: number
}

/** An entry as it is used in this process. Times are wall-clock milliseconds since 1970. */
export interface Entry {
  readonly kind: 'value' | 'negative'
  /** What the codec (and the schema) gave; `undefined` for a negative entry. */
  readonly value: unknown
  /** The size of what is stored, in bytes, before compression. */
  readonly size: number
  /** `undefined` for what is stored raw, which carries no times. */
  readonly times: EntryTimes | undefined
}

/** Wall-clock milliseconds since 1970, but for `loadTime`, which is how long its load took: 0 when it was not loaded. */
export interface EntryTimes {
  readonly writtenAt: number
  readonly freshUntil: number
  /** The end of its longest window. */
  readonly entryUntil: number
  readonly loadTime: number
}

/** What bytes from a node give: an entry, or why they are none. */
export type Unpacked =
  | {
      readonly status: 'entry'
      readonly entry: Entry
      /** Whether its writer's clock is too far ahead to be believed. */
      readonly skewed: boolean
    }
  | { readonly status: 'corrupt' | 'wrong-key' | 'schema' | 'lease' | 'unsupported' }

/** JSON in envelopes. */
export const DEFAULT_FORM: Form = {
  codec: jsonCodec,
  schema: undefined,
  format: 'envelope',
  compression: undefined,
  maxInflatedBytes: MAX_INFLATED,
}

/** What {@link pack} is told about an entry. */
export interface PackOptions {
  readonly kind: 'value' | 'negative'
  /** How long it is fresh, in milliseconds. */
  readonly ttl: number
  /** How long it is kept beyond that, in milliseconds. */
  readonly window: number
  /** Milliseconds; 0 when the value was not loaded. */
  readonly loadTime: number
  /** Wall-clock time. */
  readonly now: number
  /** The cache's mark, for the version. */
  readonly writer: Uint8Array
}

/**
 * A value as its codec gives it. Text becomes bytes where it is written, and nowhere else.
 *
 * @throws ValueError `ERR_VALUE`
 */
export function encodePayload({ codec, compression, maxInflatedBytes }: Form, value: unknown, key: string): Payload {
  const plain = codec === jsonCodec ? encodeJson(value, key) : encodeValue(codec, value, key)
  return compression === undefined ? plain : toCompress(plain, compression, maxInflatedBytes)
}

/** The bytes that go to a node. `fullKey` is the namespaced key before any shortening. */
export function pack(form: Form, payload: Payload, fullKey: string, options: PackOptions, hash: Hash): Uint8Array {
  if (form.format === 'raw') {
    const plain = plainOf(payload)
    return typeof plain === 'string' ? Buffer.from(plain) : plain
  }
  const { kind, ttl, window, loadTime, now, writer } = options
  const until = now + ttl
  const version = newVersion(now, writer)
  const times = { writtenAt: now, freshUntil: until, entryUntil: until + window, leaseUntil: 0 }
  if (typeof payload === 'string' || !(payload instanceof Compressible)) {
    return writeEnvelope({ kind, compressed: false, loadTime, version, ...times }, payload, fullKey, hash)
  }
  const { bytes, compressed } = payload.stored
  return writeEnvelope({ kind, compressed, loadTime, version, ...times }, bytes, fullKey, hash)
}

/** The bytes that stand for an entry while it is loaded, under a lease with this token for `ms` milliseconds. */
export function packLease(fullKey: string, token: Uint8Array, ms: number, now: number, hash: Hash): Uint8Array {
  const until = now + ms
  const times = { writtenAt: now, freshUntil: until, entryUntil: until, leaseUntil: until, loadTime: 0 }
  return writeEnvelope({ kind: 'lease', compressed: false, version: token, ...times }, NO_PAYLOAD, fullKey, hash)
}

/** Until when the lease holds that these bytes stand for, by its holder's clock (wall clock); 0 for bytes that are too short. */
export function leaseUntilIn(bytes: Uint8Array): number {
  return bytes.length < HEADER_BYTES ? 0 : timeIn(bytes, AT_LEASE_UNTIL)
}

const NO_PAYLOAD = new Uint8Array(0)

/** Whether these bytes are an envelope, good or bad, whose version is this writer's. */
export function isWrittenBy(bytes: Uint8Array, writer: Uint8Array): boolean {
  return bytes.length >= HEADER_BYTES && isVersionOf(bytes, AT_VERSION, writer)
}

/** The version of whatever envelope these bytes are, good or bad; `undefined` when they are too short for one. */
export function versionIn(bytes: Uint8Array): Uint8Array | undefined {
  return bytes.length < HEADER_BYTES ? undefined : bytes.subarray(AT_VERSION, AT_VERSION + VERSION_BYTES)
}

/** How many bytes a payload takes on a node. */
export function packedSize(form: Form, payload: Payload): number {
  return storedSize(payload) + headerSize(form)
}

/** What a payload counts in L1, which holds what it stands for: its bytes before compression. */
export function heldSize(form: Form, payload: Payload): number {
  return plainSize(payload) + headerSize(form)
}

function headerSize({ format }: Form): number {
  return format === 'raw' ? 0 : HEADER_BYTES
}

/**
 * What a read would give of a value that was just encoded, so that a hit and a miss look alike. A promise only where the
 * schema is asynchronous. Never throws.
 */
export function roundTrip(form: Form, value: unknown, payload: Payload): Revived | Promise<Revived> {
  return form.codec.identity && form.schema === undefined
    ? { status: 'value', value }
    : revive(form, plainOf(payload), 0)
}

/** What bytes that came from a node stand for. A promise only where the schema is asynchronous. Never throws. */
export function unpack(
  form: Form,
  bytes: Uint8Array,
  fullKey: string,
  now: number,
  hash: Hash,
): Unpacked | Promise<Unpacked> {
  if (form.format === 'raw') return entryOf(revive(form, bytes, 0), bytes.length, undefined, false)
  const problem = checkEnvelope(bytes, fullKey, hash)
  if (problem) return problem
  const kind = kindIn(bytes)
  if (kind === 'lease') return LEASE
  const writtenAt = timeIn(bytes, AT_WRITTEN)
  const skewed = writtenAt > now + MAX_CLOCK_SKEW
  const times = timesIn(bytes, writtenAt, skewed ? writtenAt - now : 0)
  if (isCompressed(bytes)) return kind === 'negative' ? CORRUPT : unpackCompressed(form, bytes, times, skewed)
  if (kind === 'negative') {
    return { status: 'entry', entry: { kind, value: undefined, size: bytes.length, times }, skewed }
  }
  return entryOf(revive(form, bytes, HEADER_BYTES), bytes.length, times, skewed)
}

function unpackCompressed(
  form: Form,
  bytes: Uint8Array,
  times: EntryTimes,
  skewed: boolean,
): Unpacked | Promise<Unpacked> {
  const inflated = inflate(bytes.subarray(HEADER_BYTES), form.maxInflatedBytes)
  if (inflated === 'corrupt') return CORRUPT
  if (inflated === 'unsupported') return UNSUPPORTED
  return entryOf(revive(form, inflated, 0), HEADER_BYTES + inflated.length, times, skewed)
}

const LEASE: Unpacked = { status: 'lease' }
const CORRUPT: Unpacked = { status: 'corrupt' }
const UNSUPPORTED: Unpacked = { status: 'unsupported' }

/** @param ahead by how much its writer's clock is: an entry must not live longer for that, and counts as written now */
function timesIn(bytes: Uint8Array, writtenAt: number, ahead: number): EntryTimes {
  return {
    writtenAt: writtenAt - ahead,
    freshUntil: timeIn(bytes, AT_FRESH_UNTIL) - ahead,
    entryUntil: timeIn(bytes, AT_ENTRY_UNTIL) - ahead,
    loadTime: loadTimeIn(bytes),
  }
}

function entryOf(
  revived: Revived | Promise<Revived>,
  size: number,
  times: EntryTimes | undefined,
  skewed: boolean,
): Unpacked | Promise<Unpacked> {
  if (revived instanceof Promise) return revived.then((one) => entryOf(one, size, times, skewed))
  if (revived.status !== 'value') return revived
  return { status: 'entry', entry: { kind: 'value', value: revived.value, size, times }, skewed }
}

/** A payload as a value: what the codec gives, and what the schema makes of it. */
export type Revived =
  | { readonly status: 'value'; readonly value: unknown }
  | { readonly status: 'corrupt' }
  | { readonly status: 'schema'; readonly problem: string }

/** Turns a payload, which begins at `from`, into a value. A promise only where the schema is asynchronous. Never throws. */
function revive(form: Form, bytes: Plain, from: number): Revived | Promise<Revived> {
  const { codec } = form
  let value: unknown
  try {
    // A view of the bytes costs as much as to parse a short text.
    if (typeof bytes === 'string') value = JSON.parse(bytes)
    else value = codec === jsonCodec ? decodeJson(bytes, from) : codec.decode(from === 0 ? bytes : bytes.subarray(from))
  } catch {
    return UNREADABLE
  }
  if (value === undefined) return UNREADABLE
  return form.schema === undefined ? { status: 'value', value } : validate(form.schema, value)
}

const UNREADABLE: Revived = { status: 'corrupt' }

function validate(schema: StandardSchema, value: unknown): Revived | Promise<Revived> {
  const verdict = (result: Awaited<ReturnType<StandardSchema['~standard']['validate']>>): Revived => {
    if (result.issues !== undefined)
      return { status: 'schema', problem: result.issues.map(({ message }) => message).join('; ') }
    if (result.value === undefined) return { status: 'schema', problem: 'the schema made undefined of it' }
    return { status: 'value', value: result.value }
  }
  const threw = (): Revived => ({ status: 'schema', problem: 'the schema threw' })
  try {
    const result = schema['~standard'].validate(value)
    return 'then' in result ? Promise.resolve(result).then(verdict).catch(threw) : verdict(result)
  } catch {
    return threw()
  }
}
