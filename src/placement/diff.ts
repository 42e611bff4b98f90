import type { Ring } from './ring.ts'

/** A share of the key space that changes hands. */
export interface Move {
  /** The id of the shard that owned it. */
  from: string
  /** The id of the shard that owns it now. */
  to: string
  /** How much of the key space: 0 to 1, exact to one part in 2^32. */
  share: number
}

/** What changes from one placement to another. */
export interface PlacementDiff {
  /** The share of the key space that has a new owner, 0 to 1. */
  moved: number
  /** Who gives how much to whom, largest share first. */
  moves: Move[]
}

/**
 * Which share of the key space moves from whom to whom. Exact: it compares the arcs of both rings, it does not sample keys.
 *
 * @example
 * const after = ring([...nodes, { id: 'c' }], { hash })
 * diff(before, after) // { moved: 0.33, moves: [{ from: 'a', to: 'c', share: 0.17 }, { from: 'b', to: 'c', share: 0.16 }] }
 */
export function diff(before: Ring, after: Ring): PlacementDiff {
  const sizes = new Map<number, number>()
  let start = 0
  let i = 0
  let j = 0
  // Between two neighbouring points of the merged rings, both owners are constant.
  while (start < SPACE) {
    while (i < before.points.length && (before.points[i] as number) < start) i++
    while (j < after.points.length && (after.points[j] as number) < start) j++
    const end = Math.min(before.points[i] ?? SPACE - 1, after.points[j] ?? SPACE - 1) + 1
    const from = before.owners[i] ?? (before.owners[0] as number)
    const to = after.owners[j] ?? (after.owners[0] as number)
    if (before.ids[from] !== after.ids[to]) {
      const pair = from * after.ids.length + to
      sizes.set(pair, (sizes.get(pair) ?? 0) + end - start)
    }
    start = end
  }
  const moves: Move[] = []
  let moved = 0
  for (const [pair, size] of sizes) {
    moved += size
    const from = before.ids[Math.floor(pair / after.ids.length)] as string
    moves.push({ from, to: after.ids[pair % after.ids.length] as string, share: size / SPACE })
  }
  moves.sort((a, b) => b.share - a.share || (a.from + a.to < b.from + b.to ? -1 : 1))
  return { moved: moved / SPACE, moves }
}

const SPACE = 2 ** 32
