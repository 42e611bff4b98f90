import { Buffer } from 'node:buffer'
import { randomInt } from 'node:crypto'
import type { Hash } from '../base/hash.ts'
import { sliceOf, type Slice } from '../base/slice.ts'
import { WRITER_BYTES } from '../base/stamps.ts'
import { startOf, viewOf } from '../base/view.ts'

/** What an entry stands for. */
export type EntryKind =
  /** A value. */
  | 'value'
  /** "There is none": what a loader that returned `undefined` leaves behind when `negativeTtl` is set. */
  | 'negative'
  /** No value yet: somebody holds the lease and loads. Never taken for a value. */
  | 'lease'

/** The fields of an envelope's header. Times are wall-clock milliseconds since 1970, whole numbers. */
export interface Header {
  kind: EntryKind
  compressed: boolean
  writtenAt: number
  freshUntil: number
  /** The end of the entry's longest window; no reader uses it after that. */
  entryUntil: number
  /** How long the load took, in milliseconds; 0 when the value was not loaded. */
  loadTime: number
  /** Twelve bytes: time, then random; of two, the greater one is the later one. Also the lease token. */
  version: Uint8Array
  /** Until when a lease holds; 0 for none. */
  leaseUntil: number
}

/**
 * What can be wrong with an envelope: it is whole, but of another key; or it is damaged, none at all, or of a format that
 * this version does not know.
 */
export interface BadEnvelope {
  readonly status: 'wrong-key' | 'corrupt'
}

/** What reading an envelope gives: see {@link readEnvelope}. */
export type ReadEnvelope = { status: 'ok'; header: Header; payload: Uint8Array } | BadEnvelope

/** The length of the header, in bytes; the payload follows it. */
export const HEADER_BYTES = 56
/** The length of a version, in bytes. */
export const VERSION_BYTES = 12
/** Where in a version the writer's mark stands, with the count behind it: three bytes each. */
const AT_WRITER = 6

const MAGIC = 0xf5_c5
const FORMAT = 1
/** By their number in the flags. */
export const KINDS: readonly (EntryKind | undefined)[] = ['value', 'negative', 'lease', undefined]
export const KIND_BITS = 0b11
const COMPRESSED = 0b100
const RESERVED = ~(KIND_BITS | COMPRESSED)
const MAX_TIME = 2 ** 48 - 1

// Byte positions; all integers are big-endian. Bytes 0 to 27 are covered by the payload check. What stands behind it is
// what a server-side script changes in place: `expire` the freshness, a lease the version and its end.
const AT_FORMAT = 2
export const AT_FLAGS = 3
export const AT_WRITTEN = 4
export const AT_ENTRY_UNTIL = 10
export const AT_LOAD_TIME = 16
const AT_KEY_CHECK = 20
const AT_PAYLOAD_CHECK = 28
export const AT_FRESH_UNTIL = 32
export const AT_VERSION = 38
export const AT_LEASE_UNTIL = 50

export const CHECK_SEED_HIGH = 0x9e37_79b1
export const CHECK_SEED_LOW = 0x85eb_ca77

/**
 * Writes an envelope, format 1: the header in front of the payload. `docs/envelope.md` gives it byte by byte; golden
 * vectors fix it.
 *
 * @param payload text is written as UTF-8
 * @param key the whole key (namespace included, before any shortening), for the key check
 */
export function writeEnvelope(
  header: Header,
  payload: Uint8Array | string,
  key: string | EnvelopeKey,
  hash: Hash,
): Buffer {
  const bytes = write(header, payload, key, hash)
  bytes.set(header.version, AT_VERSION)
  return bytes
}

/** A key, and its check where that is known already. */
export interface EnvelopeKey {
  /** The whole key: with the namespace, before any shortening. */
  readonly full: string
  /** The halves of its check, as signed 32-bit integers. */
  readonly checkHigh: number | undefined
  readonly checkLow: number | undefined
}

/** All but the version. */
export type NewHeader = Omit<Header, 'version'>

/** The same with a version of its own, by this writer; see {@link newVersion}. */
export function writeNewEnvelope(
  header: NewHeader,
  writer: Uint8Array,
  payload: Uint8Array | string,
  key: string | EnvelopeKey,
  hash: Hash,
): Buffer {
  const bytes = write(header, payload, key, hash)
  putVersion(bytes, AT_VERSION, header.writtenAt, writer)
  return bytes
}

/** Writes such a header, and a version, in front of a payload that has room for it. */
export function writeNewHeader(
  bytes: Buffer,
  header: NewHeader,
  writer: Uint8Array,
  key: string | EnvelopeKey,
  hash: Hash,
): void {
  putHeader(bytes, header, key, hash)
  putVersion(bytes, AT_VERSION, header.writtenAt, writer)
}

function write(header: NewHeader, payload: Uint8Array | string, key: string | EnvelopeKey, hash: Hash): Buffer {
  const text = typeof payload === 'string'
  const size = text ? Buffer.byteLength(payload) : payload.length
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + size)
  // A text of as many bytes as characters is ASCII, and then it is copied as it is.
  if (text) bytes.write(payload, HEADER_BYTES, size === payload.length ? 'latin1' : 'utf8')
  else bytes.set(payload, HEADER_BYTES)
  putHeader(bytes, header, key, hash)
  return bytes
}

/** Writes all of the header but the version in front of a payload. */
function putHeader(bytes: Buffer, header: NewHeader, key: string | EnvelopeKey, hash: Hash): void {
  const view = viewOf(bytes)
  const base = startOf(bytes)
  view.setUint16(base, MAGIC)
  view.setUint8(base + AT_FORMAT, FORMAT)
  view.setUint8(base + AT_FLAGS, kindBits(header.kind) | (header.compressed ? COMPRESSED : 0))
  putTime(view, base + AT_WRITTEN, header.writtenAt)
  putTime(view, base + AT_ENTRY_UNTIL, header.entryUntil)
  view.setUint32(base + AT_LOAD_TIME, Math.min(0xffff_ffff, Math.max(0, Math.round(header.loadTime))))
  hashKey(key, hash)
  view.setInt32(base + AT_KEY_CHECK, KEY_CHECK[0] as number)
  view.setInt32(base + AT_KEY_CHECK + 4, KEY_CHECK[1] as number)
  putTime(view, base + AT_FRESH_UNTIL, header.freshUntil)
  putTime(view, base + AT_LEASE_UNTIL, header.leaseUntil)
  view.setUint32(base + AT_PAYLOAD_CHECK, payloadCheck(bytes, 0, bytes.length, hash))
}

/** The place of a kind among {@link KINDS}. */
function kindBits(kind: EntryKind): number {
  return kind === 'value' ? 0 : kind === 'negative' ? 1 : 2
}

/** In six bytes. */
function putTime(view: DataView, at: number, time: number): void {
  const clamped = clampTime(time)
  view.setUint16(at, clamped / 2 ** 32)
  view.setUint32(at + 2, clamped)
}

/**
 * Says what is wrong with an envelope; nothing, when it is whole and of this key. Never throws, whatever the bytes are. Its
 * fields are then read where they stand.
 *
 * @param key the whole key that was asked for
 */
export function checkEnvelope(slice: Slice, key: string | EnvelopeKey, hash: Hash): BadEnvelope | undefined {
  const { bytes, from, to } = slice
  if (to - from < HEADER_BYTES) return CORRUPT
  const view = viewOf(bytes)
  const base = startOf(bytes) + from
  const flags = view.getUint8(base + AT_FLAGS)
  if (view.getUint16(base) !== MAGIC || view.getUint8(base + AT_FORMAT) !== FORMAT) return CORRUPT
  if (KINDS[flags & KIND_BITS] === undefined || (flags & RESERVED) !== 0) return CORRUPT
  // As signed integers, which are small ones to V8.
  if (view.getInt32(base + AT_PAYLOAD_CHECK) !== (payloadCheck(bytes, from, to, hash) | 0)) return CORRUPT
  hashKey(key, hash)
  const high = view.getInt32(base + AT_KEY_CHECK)
  if (high !== KEY_CHECK[0] || view.getInt32(base + AT_KEY_CHECK + 4) !== KEY_CHECK[1]) return WRONG_KEY
  // Freshness lies outside the check, but no writer puts it beyond the entry's end.
  return timeAt(view, base + AT_FRESH_UNTIL) > timeAt(view, base + AT_ENTRY_UNTIL) ? CORRUPT : undefined
}

/** Of an envelope that was checked. */
export function kindIn({ bytes, from }: Slice): EntryKind {
  return KINDS[(bytes[from + AT_FLAGS] as number) & KIND_BITS] as EntryKind
}

/** Of an envelope that was checked. */
export function isCompressed({ bytes, from }: Slice): boolean {
  return ((bytes[from + AT_FLAGS] as number) & COMPRESSED) !== 0
}

/** Of an envelope that was checked: the time at one of the places `AT_…`. */
export function timeIn({ bytes, from }: Slice, at: number): number {
  return timeAt(viewOf(bytes), startOf(bytes) + from + at)
}

/** The time that stands at this place. */
export function timeAt(view: DataView, at: number): number {
  return view.getUint16(at) * 2 ** 32 + view.getUint32(at + 2)
}

/**
 * Reads an envelope as a whole. Never throws, whatever the bytes are.
 *
 * @param key the whole key that was asked for
 */
export function readEnvelope(bytes: Uint8Array, key: string, hash: Hash): ReadEnvelope {
  const slice = sliceOf(bytes)
  const bad = checkEnvelope(slice, key, hash)
  if (bad) return bad
  const header: Header = {
    kind: kindIn(slice),
    compressed: isCompressed(slice),
    writtenAt: timeIn(slice, AT_WRITTEN),
    freshUntil: timeIn(slice, AT_FRESH_UNTIL),
    entryUntil: timeIn(slice, AT_ENTRY_UNTIL),
    loadTime: viewOf(bytes).getUint32(startOf(bytes) + AT_LOAD_TIME),
    version: bytes.subarray(AT_VERSION, AT_VERSION + VERSION_BYTES),
    leaseUntil: timeIn(slice, AT_LEASE_UNTIL),
  }
  return { status: 'ok', header, payload: bytes.subarray(HEADER_BYTES) }
}

const CORRUPT: BadEnvelope = { status: 'corrupt' }
const WRONG_KEY: BadEnvelope = { status: 'wrong-key' }

/** Of the key that was last asked for, as signed integers: a list made for each would have to be collected. */
const KEY_CHECK = new Int32Array(2)

function hashKey(key: string | EnvelopeKey, hash: Hash): void {
  if (typeof key !== 'string') {
    const { checkHigh, checkLow } = key
    if (checkHigh !== undefined && checkLow !== undefined) {
      KEY_CHECK[0] = checkHigh
      KEY_CHECK[1] = checkLow
      return
    }
  }
  const text = typeof key === 'string' ? key : key.full
  if (hash.pair) hash.pair(text, CHECK_SEED_HIGH, CHECK_SEED_LOW, KEY_CHECK)
  else {
    KEY_CHECK[0] = hash.text(text, CHECK_SEED_HIGH)
    KEY_CHECK[1] = hash.text(text, CHECK_SEED_LOW)
  }
}

/** XXH32 of the payload, seeded with the XXH32 of the header's bytes 0 to 27: either part damaged changes it. */
function payloadCheck(bytes: Uint8Array, from: number, to: number, hash: Hash): number {
  return hash.bytes(bytes, hash.bytes(bytes, 0, from, from + AT_PAYLOAD_CHECK) | 0, from + HEADER_BYTES, to)
}

function clampTime(time: number): number {
  return Math.min(MAX_TIME, Math.max(0, Math.floor(time)))
}

// Where it begins does not matter; that two caches do not count in step makes their versions differ even if their marks do not.
let count = randomInt(2 ** 24)

/**
 * A new version: the time in six bytes, the writer's mark in three, and a count in three, so that no two are alike. Compare
 * two byte by byte: the greater one is the later one.
 */
export function newVersion(now: number, writer: Uint8Array): Uint8Array {
  const version = Buffer.allocUnsafe(VERSION_BYTES)
  putVersion(version, 0, now, writer)
  return version
}

function putVersion(bytes: Uint8Array, at: number, now: number, writer: Uint8Array): void {
  const view = viewOf(bytes)
  const base = startOf(bytes) + at
  const mark = ((writer[0] as number) << 16) | ((writer[1] as number) << 8) | (writer[2] as number)
  count = (count + 1) & 0xff_ffff
  putTime(view, base, now)
  view.setInt32(base + AT_WRITER, (mark << 8) | (count >>> 16))
  view.setUint16(base + AT_WRITER + 4, count)
}

/** Whether the version that stands at `at` is this writer's. */
export function isVersionOf(bytes: Uint8Array, at: number, writer: Uint8Array): boolean {
  for (let i = 0; i < WRITER_BYTES; i++) if (bytes[at + AT_WRITER + i] !== writer[i]) return false
  return true
}
