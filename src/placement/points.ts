import type { Hash } from '../base/hash.ts'

/** Points in ascending order of their positions, and for each the index of the shard it belongs to. */
export interface Points {
  /** Unsigned 32-bit integers. Points with one position are ordered by owner. */
  readonly points: Uint32Array
  readonly owners: Uint32Array
}

/** A shard, by its index, and how many points it has. */
export interface Owned {
  readonly id: string
  readonly owner: number
  readonly count: number
}

/** The points of some shards, given in the order of their indexes: point `i` of a shard lies at XXH32 (seed 0) of `${id}#${i}`. */
export function makePoints(shards: readonly Owned[], hash: Hash): Points {
  const total = shards.reduce((sum, { count }) => sum + count, 0)
  const points = new Uint32Array(total)
  const owners = new Uint32Array(total)
  let at = 0
  for (const { id, owner, count } of shards) {
    owners.fill(owner, at, at + count)
    // As bytes that are counted up: to make a text of each takes most of the time.
    const head = Buffer.byteLength(id) + 1
    const bytes = Buffer.from(`${id}#${'0'.repeat(MOST_DIGITS)}`)
    let digits = 1
    for (let i = 0; i < count; i++) {
      points[at++] = hash.bytes(bytes, 0, 0, head + digits)
      digits = countUp(bytes, head, digits)
    }
  }
  return sortPoints({ points, owners })
}

/** Of the number of a point: a ring has at most 2^24. */
const MOST_DIGITS = 9
const ZERO = 0x30
const NINE = 0x39

/** Adds 1 to the decimal number of so many digits that stands at `from`. Returns how many digits it has then. */
function countUp(bytes: Uint8Array, from: number, digits: number): number {
  let at = from + digits - 1
  while (at >= from && bytes[at] === NINE) bytes[at--] = ZERO
  if (at >= from) {
    bytes[at] = (bytes[at] as number) + 1
    return digits
  }
  bytes[from] = ZERO + 1
  bytes[from + digits] = ZERO
  return digits + 1
}

/** 32 bits in three passes. */
const SHIFTS = [0, 11, 22] as const
const DIGITS = 2 ** 11

/** A radix sort, least significant digit first. It is stable: what was given in the order of owners stays so. */
function sortPoints(given: Points): Points {
  const { length } = given.points
  let from = given
  let to: Points = { points: new Uint32Array(length), owners: new Uint32Array(length) }
  for (const shift of SHIFTS) {
    const places = new Uint32Array(DIGITS + 1)
    const { points, owners } = from
    for (let i = 0; i < length; i++) {
      const next = (((points[i] as number) >>> shift) & (DIGITS - 1)) + 1
      places[next] = (places[next] as number) + 1
    }
    for (let digit = 0; digit < DIGITS; digit++) {
      places[digit + 1] = (places[digit + 1] as number) + (places[digit] as number)
    }
    for (let i = 0; i < length; i++) {
      const point = points[i] as number
      const digit = (point >>> shift) & (DIGITS - 1)
      const place = places[digit] as number
      places[digit] = place + 1
      to.points[place] = point
      to.owners[place] = owners[i] as number
    }
    const done = to
    to = from
    from = done
  }
  return from
}

/**
 * Points that stay, under new indexes, and others between them.
 *
 * @param indexes for each owner in `old` its index now, in the same order, or -1 for one whose points do not stay
 * @param kept how many stay
 */
export function mergePoints(old: Points, indexes: Int32Array, kept: number, added: Points): Points {
  const { points: oldPoints, owners: oldOwners } = old
  const { points: newPoints, owners: newOwners } = added
  const points = new Uint32Array(kept + newPoints.length)
  const owners = new Uint32Array(points.length)
  let from = 0
  let at = 0
  for (let next = 0; next <= newPoints.length; next++) {
    // Behind the last one come all that are left.
    const other = newPoints[next] ?? LAST_POSITION
    const otherOwner = newOwners[next] ?? Infinity
    for (; from < oldPoints.length; from++) {
      const point = oldPoints[from] as number
      if (point > other) break
      const owner = indexes[oldOwners[from] as number] as number
      if (point === other && owner > otherOwner) break
      if (owner < 0) continue
      points[at] = point
      owners[at++] = owner
    }
    if (next === newPoints.length) break
    points[at] = other
    owners[at++] = otherOwner
  }
  return { points, owners }
}

const LAST_POSITION = 2 ** 32 - 1
