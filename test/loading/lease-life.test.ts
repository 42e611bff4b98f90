import { describe, expect, it } from 'vitest'
import { memoryNode } from '../../src/node/memory.ts'
import type { CacheOptions } from '../../src/options.ts'
import { ManualClock } from '../../src/testing/index.ts'
import { makeCache, rejection, turn } from '../support/caches.ts'
import { gate } from '../support/fake-node.ts'

/** Two caches on one node, as two processes are; the lease lasts 3 s unless renewed. */
async function pair(options: Partial<CacheOptions>) {
  const clock = new ManualClock()
  const node = memoryNode('m')
  const one = await makeCache({ nodes: [node], clock, ...options })
  const other = await makeCache({ nodes: [node], clock })
  return { one, other, clock }
}

describe('a lease', () => {
  it('lasts as long as the loader may, beyond the hard time-out: one load in all processes, and its value is cached', async () => {
    const { one, other, clock } = await pair({ hardTimeout: 10_000 })
    const database = gate<string>()
    const failed = rejection(one.getOrLoad('key', () => database.promise))
    await clock.advanceAsync(15_000)
    expect(await failed).toMatchObject({ code: 'ERR_LOAD_TIMEOUT' })
    let calls = 0
    const waiting = other.getOrLoad('key', () => `load ${++calls} of the other`)
    await clock.advanceAsync(4_000)
    expect(calls).toBe(0)
    database.open('late')
    await clock.advanceAsync(200)
    expect([await waiting, await one.get('key'), calls]).toEqual(['late', 'late', 0])
  })

  it('is given back when the load is given up', async () => {
    const { one, other, clock } = await pair({ hardTimeout: 10_000 })
    const failed = rejection(one.getOrLoad('key', () => new Promise<never>(() => {})))
    await clock.advanceAsync(20_000)
    await failed
    expect(await other.getOrLoad('key', () => 'of the other')).toBe('of the other')
    expect(clock.pending).toBeLessThanOrEqual(2)
  })

  it('lasts while its load waits for its turn', async () => {
    const { one, other, clock } = await pair({ maxConcurrentLoads: 1 })
    const database = gate<string>()
    const first = one.getOrLoad('first', () => database.promise)
    await turn()
    const queued = one.getOrLoad('key', () => 'of one')
    await turn()
    let calls = 0
    const waiting = other.getOrLoad('key', () => `load ${++calls} of the other`)
    await clock.advanceAsync(10_000)
    database.open('first')
    await clock.advanceAsync(200)
    expect([await first, await queued, await waiting, calls]).toEqual(['first', 'of one', 'of one', 0])
  })

  it('of a cache that was closed is not renewed', async () => {
    const { one, other, clock } = await pair({})
    const failed = rejection(one.getOrLoad('key', () => new Promise<never>(() => {})))
    await turn()
    const waiting = other.getOrLoad('key', () => 'of the other')
    const closing = one.close()
    await clock.advanceAsync(3_200)
    await closing
    expect([await failed, await waiting]).toEqual([expect.objectContaining({ code: 'ERR_CLOSED' }), 'of the other'])
  })
})
