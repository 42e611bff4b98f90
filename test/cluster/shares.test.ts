import { describe, expect, it } from 'vitest'
import { memoryNode } from '../../src/node/memory.ts'
import { makeCache } from '../support/caches.ts'
import { until } from '../support/servers.ts'

const KEYS = 100_000

const keys: readonly string[] = Array.from({ length: KEYS }, (_, i) => `user:${i}`)

describe('weights', () => {
  it('1:2 give shares of 1:2, within a tenth', async () => {
    const cache = await makeCache({ nodes: [memoryNode('a'), memoryNode('b', { weight: 2 })] })
    const owned = keys.filter((key) => cache.explain(key).owner === 'b').length
    const ratio = owned / (KEYS - owned)
    expect(ratio).toBeGreaterThan(1.8)
    expect(ratio).toBeLessThan(2.2)
  })
})

describe('an eleventh node under traffic', () => {
  it('moves a ninth of the keys, all of them to itself, and no call is rejected', async () => {
    const nodes = Array.from({ length: 10 }, (_, i) => memoryNode(`node-${i}`, { max: KEYS }))
    const cache = await makeCache({ nodes })
    for (let at = 0; at < KEYS; at += 1_000) {
      const part = keys.slice(at, at + 1_000)
      for (const { ok } of (await cache.setMany(part.map((key) => [key, key]))).values()) expect(ok).toBe(true)
    }
    const before = keys.map((key) => cache.explain(key).owner)

    let calls = 0
    let wrong = 0
    let failed = 0
    let stop = false
    const client = async (offset: number): Promise<void> => {
      for (let i = offset; !stop; i += 7) {
        const key = keys[i % KEYS] as string
        const [one, many, set] = await Promise.all([
          cache.getOrLoad(key, () => key),
          cache.getMany([key, keys[(i * 31) % KEYS] as string]),
          cache.set(key, key),
        ])
        calls += 3
        if (one !== key || [...many].some(([name, value]) => name !== value)) wrong++
        if (!set.ok) failed++
        // Calls on memory alone would otherwise never let the change have its turn.
        await new Promise((resolve) => setImmediate(resolve))
      }
    }
    const clients = Array.from({ length: 20 }, (_, i) => client(i * 5_000))
    await until(() => calls > 3_000)
    const { moved, moves } = await cache.addNode(memoryNode('node-10', { max: KEYS }))
    await until(() => calls > 10_000)
    stop = true
    await Promise.all(clients)
    expect([wrong, failed]).toEqual([0, 0])

    const after = keys.map((key) => cache.explain(key).owner)
    const changed = after.flatMap((owner, i) => (owner === before[i] ? [] : [owner]))
    expect(new Set(changed)).toEqual(new Set(['node-10']))
    expect(Math.abs(changed.length / KEYS - 1 / 11)).toBeLessThan(0.01)
    expect(Math.abs(moved - changed.length / KEYS)).toBeLessThan(0.005)
    expect(moves.every(({ to }) => to === 'node-10')).toBe(true)

    // Keys that did not move are still there: nothing but the moved ones has to be loaded again.
    let found = 0
    for (let at = 0; at < KEYS; at += 1_000) {
      found += (await cache.getMany(keys.slice(at, at + 1_000).filter((_, i) => after[at + i] === before[at + i]))).size
    }
    expect(found).toBe(KEYS - changed.length)
  })
})
