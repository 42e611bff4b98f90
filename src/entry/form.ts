import type { Hash } from '../base/hash.ts'
import type { Slice } from '../base/slice.ts'
import { decodeOwnJson, encodeJson, encodeValue, jsonCodec, type Codec } from './codec.ts'
import { inflate, MAX_INFLATED, type Compression } from './compression.ts'
import {
  AT_LEASE_UNTIL,
  AT_VERSION,
  checkEnvelope,
  HEADER_BYTES,
  isCompressed,
  isVersionOf,
  kindIn,
  timeIn,
  VERSION_BYTES,
  writeEnvelope,
  writeNewEnvelope,
  writeNewHeader,
  type EnvelopeKey,
  type NewHeader,
} from './envelope.ts'
import { Entry, timesIn, type EntryTimes } from './entry.ts'
import {
  Compressible,
  Framed,
  frameText,
  plainOf,
  plainSize,
  storedSize,
  toCompress,
  type Payload,
  type Plain,
} from './payload.ts'
import type { StandardSchema } from './schema.ts'

/** How values are kept on nodes: the checked options of a cache or a space. */
export interface Form {
  readonly codec: Codec
  readonly schema: StandardSchema | undefined
  readonly format: 'envelope' | 'raw'
  readonly compression: Compression | undefined
  readonly maxInflatedBytes: number
}

/** What bytes from a node give: an entry, or why they are none. */
export type Unpacked = Entry | NoEntry

/** Why bytes are no entry. */
export interface NoEntry {
  readonly status: 'corrupt' | 'wrong-key' | 'schema' | 'lease' | 'unsupported'
}

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
export function encodePayload(form: Form, value: unknown, key: string): Payload {
  const { codec, compression, maxInflatedBytes } = form
  if (typeof value === 'string' && codec === jsonCodec && compression === undefined && form.format === 'envelope') {
    const framed = frameText(value)
    if (framed) return framed
  }
  const plain = codec === jsonCodec ? encodeJson(value, key) : encodeValue(codec, value, key)
  return compression === undefined ? plain : toCompress(plain, compression, maxInflatedBytes)
}

/** The bytes that go to a node. */
export function pack(
  form: Form,
  payload: Payload,
  key: string | EnvelopeKey,
  options: PackOptions,
  hash: Hash,
): Uint8Array {
  if (form.format === 'raw') {
    const plain = plainOf(payload)
    return typeof plain === 'string' ? Buffer.from(plain) : plain
  }
  const { writer } = options
  if (payload instanceof Framed) {
    const bytes = payload.take()
    writeNewHeader(bytes, headerOf(options, false), writer, key, hash)
    return bytes
  }
  if (typeof payload === 'string' || !(payload instanceof Compressible)) {
    return writeNewEnvelope(headerOf(options, false), writer, payload, key, hash)
  }
  const { bytes, compressed } = payload.stored
  return writeNewEnvelope(headerOf(options, compressed), writer, bytes, key, hash)
}

function headerOf({ kind, ttl, window, loadTime, now }: PackOptions, compressed: boolean): NewHeader {
  const until = now + ttl
  return { kind, compressed, writtenAt: now, freshUntil: until, entryUntil: until + window, loadTime, leaseUntil: 0 }
}

/** The bytes that stand for an entry while it is loaded, under a lease with this token for `ms` milliseconds. */
export function packLease(
  key: string | EnvelopeKey,
  token: Uint8Array,
  ms: number,
  now: number,
  hash: Hash,
): Uint8Array {
  const until = now + ms
  const times = { writtenAt: now, freshUntil: until, entryUntil: until, leaseUntil: until, loadTime: 0 }
  return writeEnvelope({ kind: 'lease', compressed: false, version: token, ...times }, NO_PAYLOAD, key, hash)
}

/** Until when the lease holds that these bytes stand for, by its holder's clock (wall clock); 0 for bytes that are too short. */
export function leaseUntilIn(bytes: Slice): number {
  return bytes.length < HEADER_BYTES ? 0 : timeIn(bytes, AT_LEASE_UNTIL)
}

const NO_PAYLOAD = new Uint8Array(0)

/** Whether these bytes are an envelope, good or bad, whose version is this writer's. */
export function isWrittenBy(slice: Slice, writer: Uint8Array): boolean {
  return slice.length >= HEADER_BYTES && isVersionOf(slice.bytes, slice.from + AT_VERSION, writer)
}

/** The version of whatever envelope these bytes are, good or bad; `undefined` when they are too short for one. */
export function versionIn({ bytes, from, length }: Slice): Uint8Array | undefined {
  const at = from + AT_VERSION
  return length < HEADER_BYTES ? undefined : bytes.subarray(at, at + VERSION_BYTES)
}

/** How many bytes a payload takes on a node, if they are more than `most`: where it surely fits, they are not counted. */
export function packedBeyond(form: Form, payload: Payload, most: number): number | undefined {
  if (typeof payload === 'string' && payload.length * MOST_PER_CHARACTER + HEADER_BYTES <= most) return undefined
  const size = storedSize(payload) + headerSize(form)
  return size > most ? size : undefined
}

/** In UTF-8, of a character of 16 bits. */
const MOST_PER_CHARACTER = 3

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
  // A text that JSON leaves as it is, too.
  const same = form.codec.identity || payload instanceof Framed
  return same && form.schema === undefined ? { status: 'value', value } : revive(form, plainOf(payload))
}

/** What bytes that came from a node stand for. A promise only where the schema is asynchronous. Never throws. */
export function unpack(
  form: Form,
  slice: Slice,
  key: string | EnvelopeKey,
  now: number,
  hash: Hash,
): Unpacked | Promise<Unpacked> {
  const { bytes, from, to } = slice
  const size = to - from
  if (form.format === 'raw') return entryOf(form, decode(form, slice.own()), size, undefined)
  const problem = checkEnvelope(slice, key, hash)
  if (problem) return problem
  const kind = kindIn(slice)
  if (kind === 'lease') return LEASE
  const times = timesIn(slice, now)
  if (isCompressed(slice)) return kind === 'negative' ? CORRUPT : unpackCompressed(form, slice, times)
  if (kind === 'negative') return new Entry(kind, undefined, size, times)
  return entryOf(form, decodeOwn(form, bytes, from + HEADER_BYTES, to), size, times)
}

function unpackCompressed(form: Form, slice: Slice, times: EntryTimes): Unpacked | Promise<Unpacked> {
  const inflated = inflate(slice.own(HEADER_BYTES), form.maxInflatedBytes)
  if (inflated === 'corrupt') return CORRUPT
  if (inflated === 'unsupported') return UNSUPPORTED
  return entryOf(form, decode(form, inflated), HEADER_BYTES + inflated.length, times)
}

const LEASE: Unpacked = { status: 'lease' }
const CORRUPT: Unpacked = { status: 'corrupt' }
const UNSUPPORTED: Unpacked = { status: 'unsupported' }

/** @param value what the codec gave; `undefined` when it could not read it */
function entryOf(
  { schema }: Form,
  value: unknown,
  size: number,
  times: EntryTimes | undefined,
): Unpacked | Promise<Unpacked> {
  if (value === undefined) return CORRUPT
  if (schema === undefined) return new Entry('value', value, size, times)
  const checked = validate(schema, value)
  return checked instanceof Promise
    ? checked.then((one) => checkedEntry(one, size, times))
    : checkedEntry(checked, size, times)
}

function checkedEntry(revived: Revived, size: number, times: EntryTimes | undefined): Unpacked {
  return revived.status === 'value' ? new Entry('value', revived.value, size, times) : revived
}

/** A payload as a value: what the codec gives, and what the schema makes of it. */
export type Revived =
  | { readonly status: 'value'; readonly value: unknown }
  | { readonly status: 'corrupt' }
  | { readonly status: 'schema'; readonly problem: string }

/** Turns a payload into a value. A promise only where the schema is asynchronous. Never throws. */
function revive(form: Form, bytes: Plain): Revived | Promise<Revived> {
  const value = decode(form, bytes)
  if (value === undefined) return UNREADABLE
  return form.schema === undefined ? { status: 'value', value } : validate(form.schema, value)
}

/** What the codec makes of a payload; `undefined` when it cannot read it. Never throws. */
function decode({ codec }: Form, bytes: Plain): unknown {
  try {
    return typeof bytes === 'string' ? JSON.parse(bytes) : codec.decode(bytes)
  } catch {
    return undefined
  }
}

/** The same of what stands between `from` and `to`, behind a header: it was checked to be what a cache wrote. */
function decodeOwn({ codec }: Form, bytes: Uint8Array, from: number, to: number): unknown {
  try {
    // A view of the bytes costs as much as to parse a short text.
    return codec === jsonCodec ? decodeOwnJson(bytes, from, to) : codec.decode(bytes.subarray(from, to))
  } catch {
    return undefined
  }
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
