import { afterEach, describe, expect, it, vi } from 'vitest'
import type { AtomicPower } from '../../src/node/atomic.ts'
import type { NodePowers } from '../../src/node/contract.ts'
import { memoryNode } from '../../src/node/memory.ts'
import { customNode } from '../../src/node/spec.ts'
import type { CacheOptions } from '../../src/options.ts'
import { ManualClock } from '../../src/testing/index.ts'
import { Leases } from '../../src/tier/leases.ts'
import { makeCache, rejection, turn } from '../support/caches.ts'
import { gate } from '../support/fake-node.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

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

describe('a lease whose reply is under way when its node leaves', () => {
  /** Whether another cache on that node can load the key within 100 ms. */
  async function leaves(): Promise<boolean> {
    const clock = new ManualClock()
    const node = memoryNode('m')
    const reply = gate()
    const slow = customNode(
      (context) => {
        const adapter = node.primary.open(context)
        const { atomic } = adapter.powers as Required<Pick<NodePowers, 'atomic'>>
        const leases: AtomicPower = {
          lease: async (requests) => {
            const outcomes = await atomic.lease(requests)
            await reply.promise
            return outcomes
          },
          renew: (requests) => atomic.renew(requests),
          fill: (requests) => atomic.fill(requests),
          release: (requests) => atomic.release(requests),
          expire: (requests) => atomic.expire(requests),
        }
        return {
          address: adapter.address,
          limits: adapter.limits,
          powers: { atomic: leases },
          connect: () => adapter.connect(),
          read: (keys) => adapter.read(keys),
          write: (items) => adapter.write(items),
          remove: (keys) => adapter.remove(keys),
          reset: () => adapter.reset(),
          close: () => adapter.close(),
        }
      },
      { id: 'm' },
    )
    const one = await makeCache({ nodes: [slow], clock })
    const other = await makeCache({ nodes: [node], clock })
    const loading = one.getOrLoad('key', () => 'of one')
    await turn()
    const leaving = one.setNodes([memoryNode('n')])
    await clock.advanceAsync(1_000)
    await leaving
    reply.open()
    await clock.advanceAsync(100)
    expect(await loading).toBe('of one')
    let loaded = false
    const waiting = other.getOrLoad('key', () => {
      loaded = true
      return 'of the other'
    })
    await clock.advanceAsync(100)
    const soon = loaded
    await clock.advanceAsync(5_000)
    expect(await waiting).toBe('of the other')
    return soon
  }

  it('is given back', async () => {
    expect(await leaves()).toBe(true)
  })

  it('control: when it is not, others wait until it ends', async () => {
    vi.spyOn(Leases.prototype, 'release').mockResolvedValue()
    expect(await leaves()).toBe(false)
  })
})
