import { firstAtOrAfter } from '../placement/jump.ts'
import type { Ring } from '../placement/ring.ts'

/** What is kept of a ring: it is rarely asked, and can do without a table. */
type Arcs = Pick<Ring, 'ids' | 'points' | 'owners'>

/** A ring that is no longer in use. */
interface Past {
  readonly ring: Arcs
  /** Entries written until this moment (wall clock) may have been written under it, or missed a delete. */
  readonly until: number
}

/**
 * Where keys lived before, for as long as that matters: an entry that was written before its node gained the key lay there
 * while the key was written and deleted elsewhere. Immutable.
 */
export interface History {
  /** The newest first, each ring once. */
  readonly past: readonly Past[]
  /** Entries written until this moment (wall clock) are void wherever they lie: what is older has been forgotten. */
  readonly floor: number
}

/** Nothing has changed yet. */
export const NO_HISTORY: History = { past: [], floor: -Infinity }

/** How many rings are remembered, and how many points altogether, at 8 bytes each. */
const MOST_RINGS = 64
const MOST_POINTS = 2_000_000

/** The history when `ring` is replaced at `now` (wall clock). */
export function remember({ past, floor }: History, { ids, points: positions, owners }: Ring, now: number): History {
  const ring: Arcs = { ids, points: positions, owners }
  // A ring that comes again counts with its last time: nodes that come and go leave two rings behind, not hundreds.
  const all = [{ ring, until: now }, ...past.filter((older) => !sameRing(older.ring, ring))]
  let points = 0
  const kept = all.filter((one, i) => {
    points += one.ring.points.length
    return i === 0 || (i < MOST_RINGS && points <= MOST_POINTS)
  })
  return { past: kept, floor: all[kept.length]?.until ?? floor }
}

/** Whether the owner of a key on `ring` was another one at some time since `writtenAt` (wall clock), as far as is known. */
export function movedSince({ past, floor }: History, ring: Ring, key: string, writtenAt: number): boolean {
  if (writtenAt <= floor) return true
  const newest = past[0]
  if (newest === undefined || writtenAt > newest.until) return false
  const position = ring.position(key)
  const owner = ring.ids[ring.ownerAt(position)]
  return past.some((one) => writtenAt <= one.until && ownerOn(one.ring, position) !== owner)
}

function ownerOn({ ids, points, owners }: Arcs, position: number): string {
  return ids[owners[firstAtOrAfter(points, position)] as number] as string
}

function sameRing(a: Arcs, b: Arcs): boolean {
  return (
    a.ids.length === b.ids.length &&
    a.points.length === b.points.length &&
    a.ids.every((id, i) => id === b.ids[i]) &&
    a.points.every((point, i) => point === b.points[i])
  )
}
