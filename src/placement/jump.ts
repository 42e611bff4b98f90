import type { Points } from './points.ts'

/** Buckets per point: most have no point in them then. */
const BUCKETS = 4
/** How many buckets share a place in the list of first points. */
const GROUP = 4
const MIN_BITS = 4
/** Beyond, the table would outgrow what it saves. */
const MAX_BITS = 22
/** In place of an owner: there are points in the bucket. */
const LOOK = -1

/**
 * Finds the owner of a position by a jump table: the positions are cut into equal buckets. A bucket without a point has one
 * owner, which the table names. For the others there is the first point at or after the beginning of their group of buckets,
 * and the right one is a few steps on.
 *
 * The table is what a look-up mostly reads, and small numbers keep it small: when it fits into the processor's nearer cache,
 * a look-up takes a third of the time.
 *
 * @param shards how many there are: owners are smaller numbers than that
 * @returns takes a position as a signed or unsigned 32-bit integer; gives the index of the shard
 */
export function ownerFinder({ points, owners }: Points, shards: number): (position: number) => number {
  const { length } = points
  const bits = Math.min(MAX_BITS, Math.max(MIN_BITS, Math.ceil(Math.log2(length * BUCKETS))))
  const shift = 32 - bits
  const groupShift = shift + Math.log2(GROUP)
  const table = tableFor(shards, 2 ** bits)
  const firsts = new Uint32Array(2 ** bits / GROUP)
  let bucket = 0
  let group = 0
  for (let at = 0; at < length;) {
    const here = (points[at] as number) >>> shift
    const owner = owners[at] as number
    while (bucket < here) table[bucket++] = owner
    table[bucket++] = LOOK
    while (group <= here / GROUP) firsts[group++] = at
    while (at < length && (points[at] as number) >>> shift === here) at++
  }
  const first = owners[0] as number
  table.fill(first, bucket)
  return (position) => {
    const wanted = position >>> 0
    const owner = table[wanted >>> shift] as number
    if (owner !== LOOK) return owner
    let at = firsts[wanted >>> groupShift] as number
    while (at < length && (points[at] as number) < wanted) at++
    // Beyond the last point lies the first one: the ring is round.
    return at < length ? (owners[at] as number) : first
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
