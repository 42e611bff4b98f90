import type { WeightedId } from '../../src/placement/placement.ts'

/** The keys of a run: `user:0`, `user:1`, … The same ones every time. */
export function makeKeys(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `user:${index}`)
}

/** Nodes of weight 1, named as one names cache servers. Another `set` gives other names: `10.0.<set>.1:11211`, … */
export function makeNodes(count: number, set = 0): WeightedId[] {
  return Array.from({ length: count }, (_, index) => ({ id: `10.0.${set}.${index + 1}:11211`, weight: 1 }))
}

/** What happens to the nodes. */
export type Change = 'add' | 'remove' | 'double'
export const CHANGES: readonly Change[] = ['add', 'remove', 'double']

/** A list of nodes before and after one change, and the one node that it is about. */
export interface Scenario {
  readonly nodes: number
  readonly change: Change
  readonly before: readonly WeightedId[]
  readonly after: readonly WeightedId[]
  readonly changed: string
  /** The share of keys that has to move, 0 to 1: what the changed node gains or loses when every node has its fair share. */
  readonly ideal: number
}

/** One change to `count` nodes. A node joins at the end of the list; the one that leaves or doubles stands in its middle. */
export function makeScenario(count: number, change: Change): Scenario {
  const before = makeNodes(count)
  const middle = before[count >> 1] as WeightedId
  const base = { nodes: count, change, before }
  if (change === 'add') {
    const after = makeNodes(count + 1)
    return { ...base, after, changed: (after[count] as WeightedId).id, ideal: 1 / (count + 1) }
  }
  if (change === 'remove') {
    return { ...base, after: before.filter((node) => node !== middle), changed: middle.id, ideal: 1 / count }
  }
  const after = before.map((node) => (node === middle ? { ...node, weight: 2 } : node))
  return { ...base, after, changed: middle.id, ideal: 2 / (count + 1) - 1 / count }
}
