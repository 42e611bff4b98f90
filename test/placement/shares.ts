import type { Ring } from '../../src/placement/ring.ts'

/** The exact share of the key space that each id owns, 0 to 1: the sum of the arcs that end at its points. */
export function shares(ring: Ring): Map<string, number> {
  const found = new Map(ring.ids.map((id) => [id, 0]))
  let previous = (ring.points.at(-1) as number) - 2 ** 32
  for (const [index, point] of ring.points.entries()) {
    const id = ring.ids[ring.owners[index] as number] as string
    found.set(id, (found.get(id) as number) + (point - previous) / 2 ** 32)
    previous = point
  }
  return found
}

/** The largest share over the average one. */
export function peakOverAverage(ring: Ring): number {
  return Math.max(...shares(ring).values()) * ring.ids.length
}
