import { OptionError, quote } from '../base/errors.ts'
import { checkOneOf } from '../base/check.ts'
import type { Hash } from '../base/hash.ts'
import { MAX_CLOCK_SKEW } from '../base/stamps.ts'
import { decodeJson, encodeJson, encodeValue, jsonCodec, type Codec } from './codec.ts'
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
import { checkSchema, type StandardSchema } from './schema.ts'

/** How the values of a cache or a space are kept on nodes. */
export interface FormOptions {
  /** Values to bytes and back; {@link jsonCodec} unless given. */
  codec?: Codec<never> | Codec
  /** Checks what comes back from a node or a loader; a mismatch on a node is a miss. None unless given. */
  schema?: StandardSchema
  /**
   * `'envelope'` (the default) puts a header with times, version and checks in front of the codec's bytes. `'raw'` stores
   * the codec's bytes alone, for programs in other languages to read: without key check, negative entries, freshness and
   * fence: what was stored under another key's name, or is out of date by its own times, is not noticed.
   */
  format?: 'envelope' | 'raw'
}

/** Checked {@link FormOptions}. */
export interface Form {
  readonly codec: Codec
  readonly schema: StandardSchema | undefined
  readonly format: 'envelope' | 'raw'
}

/** The names of {@link FormOptions}. */
export const FORM_OPTIONS = ['codec', 'schema', 'format'] as const

/** An entry as it is used in this process. Times are wall-clock milliseconds since 1970. */
export interface Entry {
  readonly kind: 'value' | 'negative'
  /** What the codec (and the schema) gave; `undefined` for a negative entry. */
  readonly value: unknown
  /** The size of what is stored, in bytes. */
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
  | { readonly status: 'corrupt' | 'wrong-key' | 'schema' | 'lease' }

/** Refuses bad {@link FormOptions}; what is left out comes from `base`. */
export function checkForm(given: Readonly<Record<string, unknown>>, base: Form): Form {
  return {
    codec: given['codec'] === undefined ? base.codec : checkCodec(given['codec']),
    schema: given['schema'] === undefined ? base.schema : checkSchema(given['schema']),
    format: given['format'] === undefined ? base.format : checkOneOf(given['format'], 'format', ['envelope', 'raw']),
  }
}

/** JSON in envelopes. */
export const DEFAULT_FORM: Form = { codec: jsonCodec, schema: undefined, format: 'envelope' }

function checkCodec(given: unknown): Codec {
  const codec = given as Partial<Codec> | null
  if (typeof codec?.encode === 'function' && typeof codec.decode === 'function') return codec as Codec
  throw new OptionError('ERR_OPTION', `codec must have encode and decode; given: ${quote(given)}`)
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

/** A value as its codec gives it: bytes, or the text that they are in UTF-8. */
export type Payload = Uint8Array | string

/**
 * A value as its codec gives it. Text becomes bytes where it is written, and nowhere else.
 *
 * @throws ValueError `ERR_VALUE`
 */
export function encodePayload({ codec }: Form, value: unknown, key: string): Payload {
  return codec === jsonCodec ? encodeJson(value, key) : encodeValue(codec, value, key)
}

/** The bytes that go to a node. `fullKey` is the namespaced key before any shortening. */
export function pack(form: Form, payload: Payload, fullKey: string, options: PackOptions, hash: Hash): Uint8Array {
  if (form.format === 'raw') return typeof payload === 'string' ? Buffer.from(payload) : payload
  const { kind, ttl, window, loadTime, now, writer } = options
  const until = now + ttl
  const version = newVersion(now, writer)
  const times = { writtenAt: now, freshUntil: until, entryUntil: until + window, leaseUntil: 0 }
  return writeEnvelope({ kind, compressed: false, loadTime, version, ...times }, payload, fullKey, hash)
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
  const bytes = typeof payload === 'string' ? Buffer.byteLength(payload) : payload.length
  return bytes + (form.format === 'raw' ? 0 : HEADER_BYTES)
}

/**
 * What a read would give of a value that was just encoded, so that a hit and a miss look alike. A promise only where the
 * schema is asynchronous. Never throws.
 */
export function roundTrip(form: Form, value: unknown, payload: Payload): Revived | Promise<Revived> {
  return form.codec.identity && form.schema === undefined ? { status: 'value', value } : revive(form, payload, 0)
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
  if (isCompressed(bytes)) return CORRUPT
  const writtenAt = timeIn(bytes, AT_WRITTEN)
  const skewed = writtenAt > now + MAX_CLOCK_SKEW
  const times = timesIn(bytes, writtenAt, skewed ? writtenAt - now : 0)
  if (kind === 'negative') {
    return { status: 'entry', entry: { kind, value: undefined, size: bytes.length, times }, skewed }
  }
  return entryOf(revive(form, bytes, HEADER_BYTES), bytes.length, times, skewed)
}

const LEASE: Unpacked = { status: 'lease' }
const CORRUPT: Unpacked = { status: 'corrupt' }

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
function revive(form: Form, bytes: Payload, from: number): Revived | Promise<Revived> {
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
