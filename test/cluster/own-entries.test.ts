import { describe, expect, it } from 'vitest'
import type { ShardedCache } from '../../src/cache.ts'
import { memoryNode } from '../../src/node/memory.ts'
import { ManualClock } from '../../src/testing/index.ts'
import { makeCache } from '../support/caches.ts'

/** Two caches that share three memory nodes, one of which is about to join. */
async function setUp(): Promise<{ clock: ManualClock; cache: ShardedCache; other: ShardedCache; keys: string[] }> {
  const clock = new ManualClock()
  const [a, b, c] = [memoryNode('a'), memoryNode('b'), memoryNode('c')]
  const [cache, other] = [await makeCache({ nodes: [a, b], clock }), await makeCache({ nodes: [a, b, c], clock })]
  await cache.addNode(c)
  const all = Array.from({ length: 100 }, (_, i) => `key:${i}`)
  return { clock, cache, other, keys: all.filter((key) => cache.explain(key).owner === 'c') }
}

describe('keys that a node gained', () => {
  it('are loaded once by the cache that saw the change, also in the same millisecond', async () => {
    const { cache, keys } = await setUp()
    let loads = 0
    for (let round = 0; round < 3; round++) {
      for (const key of keys) expect(await cache.getOrLoad(key, () => ++loads)).toBeGreaterThan(0)
    }
    expect(loads).toBe(keys.length)
  })

  it('that another cache wrote within a second of the change are misses: its clock may differ', async () => {
    const { clock, cache, other, keys } = await setUp()
    const [early, late] = keys as [string, string]
    await other.set(early, 'early')
    expect(await cache.get(early)).toBeUndefined()
    await clock.advanceAsync(1_001)
    await other.set(late, 'late')
    expect([await cache.get(early), await cache.get(late)]).toEqual([undefined, 'late'])
  })
})
