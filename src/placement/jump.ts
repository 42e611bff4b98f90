import type { Points } from './points.ts'

/** Buckets per point: most have no point in them then. */
const BUCKETS = 4
/** How many buckets, as a power of two, share a place in the list of first points. */
const GROUP_BITS = 4
/** Beyond, the table would outgrow what it saves. */
const MAX_BITS = 22
/**
 * How many bytes of buckets are filled at once, although some may be those of later points, which fill them anew: where to
 * stop is what a processor cannot foresee.
 */
const AT_ONCE = 8
/** Whether this machine writes the lowest byte of a number first. */
const LOWEST_FIRST = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1
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
  const within = 2 ** groupShift - 1
  const ownerMask = 2 ** ownerBits - 1
  const table = tableFor(shards, 2 ** bits + AT_ONCE)
  const firsts = new Uint32Array(2 ** (bits - GROUP_BITS) + 1)
  const packed = new Uint32Array(length + 1)
  const view = new DataView(table.buffer)
  const { BYTES_PER_ELEMENT: size } = table
  const step = AT_ONCE / size
  // An owner times this is the owner as often as it fits into 32 bits.
  const repeated = size === 1 ? 0x01010101 : size === 2 ? 0x00010001 : 1
  let bucket = 0
  let group = 0
  for (let at = 0; at < length; at++) {
    const point = points[at] as number
    const owner = owners[at] as number
    packed[at] = ((point & within) << ownerBits) | owner
    const here = point >>> shift
    if (here < bucket) continue
    const word = Math.imul(owner, repeated)
    for (; bucket < here; bucket += step) {
      view.setInt32(bucket * size, word, LOWEST_FIRST)
      view.setInt32(bucket * size + 4, word, LOWEST_FIRST)
    }
    table[here] = LOOK
    bucket = here + 1
    while (group <= here >>> GROUP_BITS) firsts[group++] = at
  }
  const first = owners[0] as number
  // Beyond the last point lies the first one: the ring is round.
  table.fill(first, bucket)
  firsts.fill(length, group)
  packed[length] = first
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

/** Room for one owner per bucket, in as few bytes as hold it. */
function tableFor(shards: number, buckets: number): Int8Array | Int16Array | Int32Array {
  if (shards <= 2 ** 7) return new Int8Array(buckets)
  return shards <= 2 ** 15 ? new Int16Array(buckets) : new Int32Array(buckets)
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
