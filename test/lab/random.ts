import { seededRandom } from '../../src/testing/random.ts'

/** Numbers in [0, 1), the same ones for the same seed. */
export type Random = () => number

/** Makes them. */
export const seeded: (seed: number) => Random = seededRandom

/** A whole number in [0, below). */
export function below(random: Random, limit: number): number {
  return Math.floor(random() * limit)
}

/** One of these. */
export function pick<T>(random: Random, from: readonly T[]): T {
  const chosen = from[below(random, from.length)]
  if (chosen === undefined) throw new Error('there is nothing to pick from')
  return chosen
}

/** One of the names, each as often as its weight says. */
export function pickWeighted<T extends string>(random: Random, weights: Readonly<Partial<Record<T, number>>>): T {
  const entries = Object.entries(weights) as [T, number][]
  let left = random() * entries.reduce((sum, [, weight]) => sum + weight, 0)
  for (const [name, weight] of entries) if ((left -= weight) < 0) return name
  throw new Error('all weights are 0')
}
