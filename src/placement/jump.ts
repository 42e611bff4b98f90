import type { Points } from './points.ts'

/** Buckets per point: most have no point in them then. */
const BUCKETS = 4
const MIN_BITS = 4
/** Beyond, the table would outgrow what it saves: 16 MB. */
const MAX_BITS = 22

/**
 * Finds the owner of a position by a jump table: the positions are cut into equal buckets. A bucket without a point has one
 * owner, which the table names; for the others it has the first point, and the right one is at most a few steps on.
 *
 * @returns takes a position as a signed or unsigned 32-bit integer; gives the index of the shard
 */
export function ownerFinder({ points, owners }: Points): (position: number) => number {
  const { length } = points
  const bits = Math.min(MAX_BITS, Math.max(MIN_BITS, Math.ceil(Math.log2(length * BUCKETS))))
  const shift = 32 - bits
  const first = owners[0] as number
  /** The owner; or, below 0, the bitwise complement of the index of the first point in the bucket. */
  const table = new Int32Array(2 ** bits)
  let bucket = 0
  for (let at = 0; at < length;) {
    const here = (points[at] as number) >>> shift
    const owner = owners[at] as number
    while (bucket < here) table[bucket++] = owner
    table[bucket++] = ~at
    while (at < length && (points[at] as number) >>> shift === here) at++
  }
  table.fill(first, bucket)
  return (position) => {
    const wanted = position >>> 0
    const found = table[wanted >>> shift] as number
    if (found >= 0) return found
    let at = ~found
    while (at < length && (points[at] as number) < wanted) at++
    // Beyond the last point lies the first one: the ring is round.
    return at < length ? (owners[at] as number) : first
  }
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
