import { expect, it } from 'vitest'
import { memoryNode } from '../../src/node/memory.ts'
import { heapUsed } from '../lab/meters.ts'
import { makeCache } from '../support/caches.ts'

const MIB = 1024 * 1024

it('a topology that was replaced is let go of, with the nodes that left', async () => {
  const cache = await makeCache({ nodes: [memoryNode('a'), memoryNode('b')], points: 16 })
  const change = async (times: number): Promise<void> => {
    for (let i = 0; i < times; i++) {
      await cache.reweight('a', 1 + (i % 2))
      await cache.removeNode('b')
      await cache.addNode(memoryNode('b'))
    }
  }
  await change(20)
  const before = heapUsed()
  await change(100)
  // An empty memory node alone is over a megabyte.
  expect(heapUsed() - before).toBeLessThan(10 * MIB)
})
