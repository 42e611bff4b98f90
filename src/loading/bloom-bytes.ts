import { OptionError, quote } from '../base/errors.ts'
import type { Hash } from '../base/hash.ts'
import { MAX_FILTER_BYTES, sliceBytes, sliceRate, type Slice } from './bloom-slice.ts'

/** What a filter is made of. */
export interface FilterParts {
  readonly falsePositives: number
  readonly slices: readonly Slice[]
}

const MAGIC = 0x5343_4246
const FORMAT = 1
const HEADER_BYTES = 16
const SLICE_BYTES = 16
const CHECK_BYTES = 4
// From the smallest first slice to 512 MiB it is some twenty doublings.
const MAX_SLICES = 32
const MAX_PARTITIONS = 64
/** The check goes over so much at a time: the hash copies what it is given into memory that it keeps. */
const BLOCK = 65_536

/**
 * The byte form of a filter, format 1. All integers are unsigned and big-endian.
 *
 * | bytes | what |
 * |---|---|
 * | 4 | magic: `SCBF` in ASCII |
 * | 1 | format: 1 |
 * | 1 | how many slices follow, 1 to 32 |
 * | 2 | zero |
 * | 8 | the rate of false positives, as an IEEE 754 double |
 * | 16 per slice, the oldest first | partitions, width (bits in a partition), capacity (keys), keys: 4 bytes each |
 * | ceil(partitions × width / 8) per slice | its bits |
 * | 4 | check of all bytes before it: `c = 0`, then `c = XXH32(block, seed c)` for every 65,536 bytes, the last may be shorter |
 *
 * Bit `b` of a slice is bit `b % 8` (the lowest is 0) of byte `floor(b / 8)`. A key sets bit `p × width + i` in one slice, for
 * every partition `p` from 0, where in arithmetic modulo 2^32
 *
 * - `h1` is the XXH32, seed 0, of its UTF-8 bytes;
 * - `h2` is 0x811C9DC5, and then for each of its UTF-16 code units `u`: `h2 = (h2 xor u) × 0x9E3779B1; h2 ^= h2 >> 15`;
 * - `x = h1 + p × h2; x = (x xor x >> 16) × 0x21F0AAAD; x = (x xor x >> 15) × 0x735A2D97; i = (x xor x >> 15) mod width`.
 */
export function writeFilter({ falsePositives, slices }: FilterParts, hash: Hash): Uint8Array {
  const bits = slices.reduce((sum, slice) => sum + slice.bits.length, 0)
  const bytes = new Uint8Array(HEADER_BYTES + slices.length * SLICE_BYTES + bits + CHECK_BYTES)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, MAGIC)
  view.setUint8(4, FORMAT)
  view.setUint8(5, slices.length)
  view.setFloat64(8, falsePositives)
  let at = HEADER_BYTES
  for (const { partitions, width, capacity, keys } of slices) {
    for (const each of [partitions, width, capacity, keys]) {
      view.setUint32(at, each)
      at += 4
    }
  }
  for (const slice of slices) {
    bytes.set(slice.bits, at)
    at += slice.bits.length
  }
  view.setUint32(at, check(bytes.subarray(0, at), hash))
  return bytes
}

/**
 * Reads what {@link writeFilter} wrote. Nothing is allocated before the sizes that the bytes speak of are known to be
 * those of the bytes.
 *
 * @throws OptionError `ERR_OPTION` for anything else
 */
export function readFilter(bytes: Uint8Array, hash: Hash): FilterParts {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < HEADER_BYTES + SLICE_BYTES + CHECK_BYTES) throw wrong(`they are cut short: ${bytes.length} bytes`)
  if (view.getUint32(0) !== MAGIC) throw wrong('they begin otherwise')
  if (view.getUint8(4) !== FORMAT)
    throw wrong(`they are of format ${view.getUint8(4)}, and this version reads ${FORMAT}`)
  const count = view.getUint8(5)
  const start = HEADER_BYTES + count * SLICE_BYTES
  if (count < 1 || count > MAX_SLICES || view.getUint16(6) !== 0) throw wrong(`they speak of ${count} slices`)
  if (bytes.length < start + CHECK_BYTES) throw wrong(`they are cut short: ${bytes.length} bytes`)
  const shapes = Array.from({ length: count }, (_, index) => readShape(view, HEADER_BYTES + index * SLICE_BYTES))
  const bits = shapes.reduce((sum, shape) => sum + sliceBytes(shape), 0)
  const expected = start + bits + CHECK_BYTES
  if (bits > MAX_FILTER_BYTES) throw wrong(`they speak of ${bits} bytes of bits, more than ${MAX_FILTER_BYTES}`)
  if (bytes.length !== expected) throw wrong(`they should be ${expected} bytes, and are ${bytes.length}`)
  if (view.getUint32(expected - CHECK_BYTES) !== check(bytes.subarray(0, expected - CHECK_BYTES), hash)) {
    throw wrong('they were damaged: the check does not fit')
  }
  const falsePositives = checkRate(view.getFloat64(8), 'falsePositives')
  const rate = shapes.reduce((sum, shape) => sum + sliceRate(shape), 0)
  // Logarithms differ in their last digits from machine to machine.
  if (!(rate <= falsePositives * 1.001)) throw wrong(`they speak of a rate of ${falsePositives}, and make ${rate}`)
  let at = start
  const slices = shapes.map((shape): Slice => {
    const from = at
    at += sliceBytes(shape)
    return { ...shape, bits: Uint8Array.prototype.slice.call(bytes, from, at) }
  })
  return { falsePositives, slices }
}

/** Refuses a rate of false positives that no filter is made for. */
export function checkRate(given: unknown, name: string): number {
  if (typeof given === 'number' && given >= 0.000_001 && given <= 0.5) return given
  throw new OptionError('ERR_OPTION', `${name} must be a number from 0.000001 to 0.5; given: ${quote(given)}`)
}

function readShape(view: DataView, at: number): Omit<Slice, 'bits'> {
  const [partitions, width, capacity, keys] = [0, 4, 8, 12].map((offset) => view.getUint32(at + offset))
  const shape = { partitions, width, capacity, keys } as Omit<Slice, 'bits'>
  if (shape.partitions < 1 || shape.partitions > MAX_PARTITIONS || shape.width < 1 || shape.keys > shape.capacity) {
    throw wrong(`they speak of a slice of ${partitions} × ${width} bits with ${keys} of ${capacity} keys`)
  }
  return shape
}

function check(bytes: Uint8Array, hash: Hash): number {
  let sum = 0
  for (let at = 0; at < bytes.length; at += BLOCK) sum = hash.bytes(bytes.subarray(at, at + BLOCK), sum)
  return sum
}

function wrong(why: string): OptionError {
  return new OptionError('ERR_OPTION', `these are not the bytes of a Bloom filter: ${why}`)
}
