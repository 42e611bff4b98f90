import { OptionError, quote } from '../base/errors.ts'

/** How large a slice is, and for how many keys. */
export interface SliceShape {
  /** How many bits a key sets: one in each partition. */
  readonly partitions: number
  /** The bits of one partition. */
  readonly width: number
  /** How many keys it takes before the next slice is begun. */
  readonly capacity: number
}

/** A plain Bloom filter of fixed size: one of those that a scalable one is made of. */
export interface Slice extends SliceShape {
  /** Bit `b` is bit `b % 8` (the lowest is 0) of byte `floor(b / 8)`; partition `p` begins at bit `p × width`. */
  readonly bits: Uint8Array
  /** How many keys it has taken. */
  keys: number
}

/** The most bytes of bits of one filter: 512 MiB, some 350 million keys at 1 %. Bit positions then fit 32 bits. */
export const MAX_FILTER_BYTES: number = 2 ** 29

/** The fewest keys that a first slice is made for: less saves nothing. */
const LEAST_CAPACITY = 1_000
/** How many times as many keys as the slice before it a slice takes. */
const GROWTH = 2
/** The rate of a slice, as a share of the rate of the slice before it. */
const TIGHTENING = 0.7

/**
 * The shape of slice `index` of a filter. The rates of the slices are the terms of a geometric series whose sum is
 * `falsePositives`: the filter as a whole keeps to that however many slices there are. After Almeida, Baquero, Preguiça
 * and Hutchison, "Scalable Bloom Filters" (Information Processing Letters 101(6), 2007).
 *
 * @param before the slice before it, or how many keys the first one is for
 */
export function nextShape(before: SliceShape | number, index: number, falsePositives: number): SliceShape {
  const capacity = typeof before === 'number' ? Math.max(LEAST_CAPACITY, before) : before.capacity * GROWTH
  const rate = falsePositives * (1 - TIGHTENING) * TIGHTENING ** index
  const partitions = Math.ceil(-Math.log2(rate))
  // A full partition has this share of its bits set: 1 - (1 - 1 / width) ^ capacity.
  const fill = rate ** (1 / partitions)
  const width = Math.ceil(-1 / Math.expm1(Math.log1p(-fill) / capacity))
  return { partitions, width, capacity }
}

/** How many bytes the bits of such a slice take. */
export function sliceBytes({ partitions, width }: SliceShape): number {
  return Math.ceil((partitions * width) / 8)
}

/** How many foreign keys in one such a slice takes for its own, once it is full. */
export function sliceRate({ partitions, width, capacity }: SliceShape): number {
  return (-Math.expm1(capacity * Math.log1p(-1 / width))) ** partitions
}

/**
 * An empty slice.
 *
 * @param held the bytes that the filter has already
 * @throws OptionError `ERR_OPTION` when the filter would get too large
 */
export function emptySlice(shape: SliceShape, held: number): Slice {
  const bytes = sliceBytes(shape)
  if (held + bytes > MAX_FILTER_BYTES) {
    throw new OptionError(
      'ERR_OPTION',
      `a Bloom filter may have at most ${MAX_FILTER_BYTES} bytes; with ${held} already, room for ${quote(shape.capacity)} more keys takes another ${quote(bytes)}`,
    )
  }
  return { ...shape, bits: new Uint8Array(bytes), keys: 0 }
}

/**
 * Whether a key may have been put into a slice.
 *
 * @param h1 32 bits of the key's hash
 * @param h2 another 32 bits
 */
export function sliceHas(slice: Slice, h1: number, h2: number): boolean {
  const { bits, partitions, width } = slice
  for (let p = 0; p < partitions; p++) {
    const at = p * width + position(h1, h2, p, width)
    if (((bits[at >>> 3] as number) & (1 << (at & 7))) === 0) return false
  }
  return true
}

/** Puts a key into a slice. */
export function putIntoSlice(slice: Slice, h1: number, h2: number): void {
  const { bits, partitions, width } = slice
  for (let p = 0; p < partitions; p++) {
    const at = p * width + position(h1, h2, p, width)
    bits[at >>> 3] = (bits[at >>> 3] as number) | (1 << (at & 7))
  }
  slice.keys++
}

/**
 * The bit of a key in partition `p`. Two hashes do for any number of them: Kirsch and Mitzenmacher, "Less Hashing, Same
 * Performance: Building a Better Bloom Filter" (ESA 2006). They are mixed before they are reduced, so that keys with
 * neighbouring hashes have nothing in common in small slices; the mixer is a bijection of 32 bits.
 */
function position(h1: number, h2: number, p: number, width: number): number {
  let x = h1 + Math.imul(p, h2)
  x = Math.imul(x ^ (x >>> 16), 0x21f0_aaad)
  x = Math.imul(x ^ (x >>> 15), 0x735a_2d97)
  return ((x ^ (x >>> 15)) >>> 0) % width
}
