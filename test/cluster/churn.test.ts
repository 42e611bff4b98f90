import { describe, expect, it } from 'vitest'
import type { ShardedCache } from '../../src/cache.ts'
import { memoryNode } from '../../src/node/memory.ts'
import type { NodeSpec } from '../../src/node/spec.ts'
import { seededRandom } from '../../src/testing/index.ts'
import { systemClock, type Clock } from '../../src/base/clock.ts'
import { makeCache, turn } from '../support/caches.ts'

const KEYS = Array.from({ length: 60 }, (_, i) => `key:${i}`)
const CHANGES = 1_000

/** The machine's clock, but a second for each millisecond on the wall: what is void for a second is not for the whole test. */
const hasty: Clock = { ...systemClock, now: () => 1_800_000_000_000 + performance.now() * 1_000 }

interface Run {
  readonly stale: number
  readonly values: number
  readonly rejected: number
}

/** Changes the nodes at random under traffic. An oracle knows what each key may not be any more. */
async function churn(seed: number, forget: boolean): Promise<Run> {
  const random = seededRandom(seed)
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T
  const all = Array.from({ length: 6 }, (_, i) => memoryNode(`n${i}`))
  const options = { points: 64, clock: hasty, nodeTimeout: 10_000 }
  let cache: ShardedCache = await makeCache({ nodes: all.slice(0, 3), ...options })
  let nodes: NodeSpec[] = all.slice(0, 3)
  const floor = new Map(KEYS.map((key) => [key, 0]))
  let version = 0
  let [stale, values, rejected] = [0, 0, 0]
  let done = false

  const step = async (): Promise<void> => {
    const key = pick(KEYS)
    const least = floor.get(key) as number
    const own = ++version
    const settle = (): void => void floor.set(key, Math.max(floor.get(key) as number, own))
    const kind = random()
    if (kind < 0.3) {
      if ((await cache.set(key, own)).ok) settle()
    } else if (kind < 0.5) {
      if ((await cache.delete(key)).ok) settle()
    } else {
      const value = await cache.get<number>(key)
      if (value === undefined) return
      values++
      if (value < least) stale++
    }
  }
  const workers = Array.from({ length: 4 }, async () => {
    while (!done) {
      await step().catch(() => rejected++)
      if (random() < 0.3) await turn()
    }
  })
  for (let i = 0; i < CHANGES; i++) {
    const away = all.filter((node) => !nodes.some(({ id }) => id === node.id))
    const kind = random()
    if (kind < 0.4 && away.length > 0) nodes = [...nodes, pick(away)]
    else if (kind < 0.8 && nodes.length > 1) {
      const leaves = pick(nodes)
      nodes = nodes.filter((node) => node !== leaves)
    } else {
      const heavier = pick(nodes)
      nodes = nodes.map((node) => (node === heavier ? { ...node, weight: 1 + Math.floor(random() * 3) } : node))
    }
    // Without a memory: each topology is a cache that knows nothing of the one before.
    if (forget) cache = await makeCache({ nodes, ...options })
    else await cache.setNodes(nodes)
    await turn()
  }
  done = true
  await Promise.all(workers)
  return { stale, values, rejected }
}

describe('a thousand changes of the nodes, under traffic', () => {
  it('reject no call, and bring back nothing that was deleted or overwritten', async () => {
    const { stale, values, rejected } = await churn(7, false)
    expect([stale, rejected]).toEqual([0, 0])
    expect(values).toBeGreaterThan(100)
  })

  it('control: without a memory of what was before, they do', async () => {
    expect((await churn(7, true)).stale).toBeGreaterThan(0)
  })
})
