import type { Points } from './points.ts'

/** Buckets per point: most have no point in them then. */
const BUCKETS = 4
/** How many buckets, as a power of two, share a place in the list of first points. */
const GROUP_BITS = 4
/** Beyond, the table would outgrow what it saves. */
const MAX_BITS = 22
/**
 * How many buckets are filled at once, where an owner takes a byte, although some may be those of later points, which fill them
 * anew: where to stop is what a processor cannot foresee.
 */
const AT_ONCE = 8
/** In place of an owner, which is never negative: there are points in the bucket. */
const LOOK = -1

/**
 * Finds the owner of a position by a jump table: the positions are cut into equal buckets. A bucket without a point has one
 * owner, which the table names. For the others there is the first point of their group of buckets, and the right one is a
 * few steps on.
 *
 * What a look-up reads is kept small, since the processor's nearer cache is what it is fast by: an owner takes a byte where
 * it fits, and a point one number, its owner and what its group leaves open of its position.
 *
 * @param shards how many there are: owners are smaller numbers than that
 * @returns takes a position as a signed or unsigned 32-bit integer; gives the index of the shard
 */
export function ownerFinder({ points, owners }: Points, shards: number): (position: number) => number {
  const { length } = points
  const ownerBits = Math.max(1, Math.ceil(Math.log2(shards)))
  if (ownerBits + GROUP_BITS > MAX_BITS) return (position) => owners[firstAtOrAfter(points, position >>> 0)] as number
  const bits = Math.min(MAX_BITS, Math.max(ownerBits + GROUP_BITS, Math.ceil(Math.log2(length * BUCKETS))))
  const shift = 32 - bits
  const groupShift = shift + GROUP_BITS
  const within = ones(groupShift)
  const ownerMask = ones(ownerBits)
  // Signed, as V8 computes with whole numbers of 32 bits: half way round it would meet the first one that is not.
  const positions = new Int32Array(points.buffer, points.byteOffset, length)
  const table = makeTable(positions, owners, shards, bits)
  const firsts = makeFirsts(positions, bits - GROUP_BITS)
  const packed = pack(positions, owners, within, ownerBits)
  return (position) => {
    const owner = table[position >>> shift] as number
    if (owner >= 0) return owner
    const ours = position >>> groupShift
    let at = firsts[ours] as number
    const end = firsts[ours + 1] as number
    const rest = position & within
    while (at < end && (packed[at] as number) >>> ownerBits < rest) at++
    // One that lies in a later group is the first of it.
    return (packed[at] as number) & ownerMask
  }
}

// One loop each: together they take twice as long.

/** For each of 2^bits buckets its owner, or that there are points in it, in as few bytes as hold it. */
function makeTable(positions: Int32Array, owners: Uint32Array, shards: number, bits: number): Table {
  const shift = 32 - bits
  const buckets = 2 ** bits
  if (shards > 2 ** 15) return fill(new Int32Array(buckets), positions, owners, shift)
  if (shards > 2 ** 7) return fill(new Int16Array(buckets), positions, owners, shift)
  return fillBytes(new Int8Array(buckets + AT_ONCE), positions, owners, shift)
}

type Table = Int8Array | Int16Array | Int32Array

function fill(table: Table, positions: Int32Array, owners: Uint32Array, shift: number): Table {
  let bucket = 0
  for (let at = 0; at < positions.length; at++) {
    const here = (positions[at] as number) >>> shift
    const owner = owners[at] as number
    while (bucket < here) table[bucket++] = owner
    table[here] = LOOK
    bucket = here + 1
  }
  // Beyond the last point lies the first one: the ring is round.
  return table.fill(owners[0] as number, bucket)
}

function fillBytes(table: Int8Array, positions: Int32Array, owners: Uint32Array, shift: number): Int8Array {
  const view = new DataView(table.buffer)
  let bucket = 0
  for (let at = 0; at < positions.length; at++) {
    const here = (positions[at] as number) >>> shift
    const four = Math.imul(owners[at] as number, 0x01010101)
    do {
      view.setInt32(bucket, four)
      view.setInt32(bucket + 4, four)
      bucket += AT_ONCE
    } while (bucket < here)
    table[here] = LOOK
    bucket = here + 1
  }
  return table.fill(owners[0] as number, bucket)
}

/** For each of 2^bits groups the index of the first point in it or in a later one; behind the last, how many points there are. */
function makeFirsts(positions: Int32Array, bits: number): Uint32Array {
  const shift = 32 - bits
  const firsts = new Uint32Array(2 ** bits + 1)
  for (let at = 0; at < positions.length; at++) {
    const next = ((positions[at] as number) >>> shift) + 1
    firsts[next] = (firsts[next] as number) + 1
  }
  for (let group = 1; group < firsts.length; group++) {
    firsts[group] = (firsts[group] as number) + (firsts[group - 1] as number)
  }
  return firsts
}

/** For each point what its group leaves open of its position, and its owner; behind the last one stands the first one's. */
function pack(positions: Int32Array, owners: Uint32Array, within: number, ownerBits: number): Uint32Array {
  const { length } = positions
  const packed = new Uint32Array(length + 1)
  for (let at = 0; at < length; at++) {
    packed[at] = (((positions[at] as number) & within) << ownerBits) | (owners[at] as number)
  }
  packed[length] = owners[0] as number
  return packed
}

/** A number of so many bits, 1 to 31, that are set. What comes of a power is kept in an object, and opened for each point. */
function ones(bits: number): number {
  return -1 >>> (32 - bits)
}

/** The index of the first point at or after a position, by a binary search; 0 when there is none, since the ring is round. */
export function firstAtOrAfter(points: Uint32Array, position: number): number {
  let low = 0
  let high = points.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((points[middle] as number) < position) low = middle + 1
    else high = middle
  }
  return low === points.length ? 0 : low
}
