import { describe, expect, it } from 'vitest'
import type { ShardedCache } from '../../src/cache.ts'
import { bytesCodec } from '../../src/entry/codec.ts'
import { memoryNode } from '../../src/node/memory.ts'
import type { NodeSpec } from '../../src/node/spec.ts'
import type { CacheOptions } from '../../src/options.ts'
import { faulty, ManualClock, seededRandom, type FaultLab } from '../../src/testing/index.ts'
import { collect, makeCache } from '../support/caches.ts'
import { FakeServer } from '../support/fake-node.ts'

interface Service {
  readonly lab: FaultLab
  readonly cache: ShardedCache
  readonly clock: ManualClock
  /** Waits for a call while the clock moves on. */
  during<T>(call: Promise<T>, ms?: number): Promise<T>
}

/** A cache on one node in a laboratory, with an entry `user:1` of 'Ada'. */
async function service(options: Partial<CacheOptions> = {}, node: NodeSpec = memoryNode('a')): Promise<Service> {
  const clock = new ManualClock()
  const lab = faulty(node, { seed: 7 })
  const cache = await makeCache({ nodes: [lab.node], clock, ttl: '1d', random: seededRandom(7), ...options })
  await cache.set('user:1', 'Ada')
  return { lab, cache, clock, during: moving(clock) }
}

function moving(clock: ManualClock): Service['during'] {
  return async (call, ms = 1_000) => {
    await clock.advanceAsync(ms)
    return call
  }
}

/** Writes an entry and reads it, again and again while time goes by, until both work. */
async function recovered({ cache, during }: Omit<Service, 'lab'>): Promise<boolean> {
  for (let second = 0; second < 120; second++) {
    const { ok } = await during(cache.set('probe', second))
    if (ok && (await during(cache.get('probe'))) === second) return true
  }
  return false
}

describe('a cache in the laboratory', () => {
  it('hang: getOrLoad is answered by the loader, and by the node again once that is over', async () => {
    const all = await service()
    const { lab, cache, during } = all
    const errors = collect(cache, 'node-error')
    const heal = lab.inject({ fault: 'hang' })
    expect(await during(cache.getOrLoad('user:1', () => 'Ada of the database'))).toBe('Ada of the database')
    expect(errors).toContainEqual(expect.objectContaining({ operation: 'read', code: 'ERR_NODE_TIMEOUT' }))
    expect(lab.counts.hang).toBeGreaterThan(0)
    heal()
    expect(await recovered(all)).toBe(true)
  })

  it('delay: within the deadline a hit, past it a miss', async () => {
    const { lab, cache, clock, during } = await service()
    lab.inject({ fault: 'delay', operation: 'read', ms: '100ms' })
    const read = cache.get('user:1')
    await clock.advanceAsync(100)
    expect(await read).toBe('Ada')
    lab.clear()
    lab.inject({ fault: 'delay', operation: 'read', ms: '2s' })
    expect(await during(cache.get('user:1'), 3_000)).toBeUndefined()
  })

  it('error: costs the keys struck, under the names they are stored by', async () => {
    const { lab, cache } = await service({ namespace: 'shop' })
    const users = cache.space<string>('user')
    await users.setMany(Array.from({ length: 10 }, (_, id) => [`${id}`, `user ${id}`]))
    lab.inject({ fault: 'error', operation: 'read', keys: 'user:3' })
    lab.inject({ fault: 'error', operation: 'read', keys: /^shop:user:[45]$/ })
    const found = await users.getMany(Array.from({ length: 10 }, (_, id) => `${id}`))
    expect([...found.keys()]).toEqual(['0', '1', '2', '3', '6', '7', '8', '9'])
    lab.clear()
    lab.inject({ fault: 'error', operation: 'write', times: 1 })
    expect(await users.set('1', 'Eve')).toEqual({ ok: false, status: 'failed' })
    expect(await users.set('1', 'Eve')).toEqual({ ok: true, status: 'stored' })
  })

  it('error: with onNodeError, callers see it', async () => {
    const { lab, cache, during } = await service({ onNodeError: 'throw' })
    lab.inject({ fault: 'error', operation: 'read', code: 'ERR_NODE_UNREADY' })
    const failed = cache.get('user:1').catch((error: unknown) => error)
    expect(await during(failed)).toMatchObject({ name: 'NodeError' })
  })

  it.each([true, false])(
    'drop: a write whose connection breaks has failed, carried out (%s) or not',
    async (applied) => {
      const { lab, cache, during } = await service()
      const errors = collect(cache, 'node-error')
      lab.inject({ fault: 'drop', operation: 'write', applied, times: 1 })
      expect(await during(cache.set('new', 1))).toEqual({ ok: false, status: 'failed' })
      expect(errors).toContainEqual(expect.objectContaining({ operation: 'write', code: 'ERR_NODE_DOWN' }))
      expect(lab.counts.drop).toBe(1)
    },
  )

  it('corrupt: a miss, and never a wrong value', async () => {
    const { missed, wrong } = await wrongReads('envelope')
    expect(wrong).toBe(0)
    expect(missed).toBeGreaterThan(100)
  })

  it('corrupt, the control: without an envelope nothing protects the value', async () => {
    expect(await wrongReads('raw')).toEqual({ right: 0, missed: 0, wrong: 200 })
  })

  it('down: reads go to a replica, and there is nothing to load', async () => {
    const [primary, replica] = [new FakeServer('p'), new FakeServer('r')]
    const { lab, cache, during } = await service({}, primary.node({ replicas: [replica] }))
    for (const [key, entry] of primary.store) replica.store.set(key, entry)
    // Past the second in which a key just written is read where it was written.
    await during(Promise.resolve(), 5_000)
    lab.inject({ fault: 'down', member: 'primary' })
    expect(await during(cache.getOrLoad('user:1', () => 'loaded'))).toBe('Ada')
    lab.inject({ fault: 'down', member: 'replica' })
    expect(await during(cache.getOrLoad('user:1', () => 'loaded'))).toBe('loaded')
  })

  it('down when the cache is made: it is made all the same, and finds the node later', async () => {
    const clock = new ManualClock()
    const lab = faulty(memoryNode('a'))
    const takeBack = lab.inject({ fault: 'down' })
    const cache = await makeCache({ nodes: [lab.node], clock })
    const during = moving(clock)
    expect(await during(cache.getOrLoad('k', () => 1))).toBe(1)
    expect(await recovered({ cache, clock, during })).toBe(false)
    takeBack()
    expect(await recovered({ cache, clock, during })).toBe(true)
  })

  it('restart: the cache goes on with it', async () => {
    const all = await service()
    const { lab, clock } = all
    await clock.advanceAsync(5_000)
    lab.restart()
    expect(await recovered(all)).toBe(true)
  })

  it('gives the same trouble for the same seed', async () => {
    const run = async (seed: number): Promise<unknown> => {
      const lab = faulty(memoryNode('a'), { seed })
      const cache = await makeCache({ nodes: [lab.node], clock: new ManualClock() })
      lab.inject({ fault: 'error', operation: 'write', probability: 0.3 })
      const keys = Array.from({ length: 100 }, (_, i) => `${i}`)
      const written = await cache.setMany(keys.map((key) => [key, key]))
      return keys.filter((key) => written.get(key)?.ok)
    }
    expect(await run(3)).toEqual(await run(3))
    expect(await run(3)).not.toEqual(await run(4))
  })
})

/** Writes and reads 200 values while every value read is corrupted. */
async function wrongReads(format: 'envelope' | 'raw'): Promise<{ right: number; missed: number; wrong: number }> {
  const { lab, cache, during } = await service()
  const space = cache.space<Uint8Array>('bytes', { format, codec: bytesCodec })
  lab.inject({ fault: 'corrupt' })
  const counts = { right: 0, missed: 0, wrong: 0 }
  for (let i = 0; i < 200; i++) {
    const value = Buffer.from(`value ${i} `.repeat(8))
    await space.set(`k${i}`, value)
    const read = await during(space.get(`k${i}`), 1)
    if (read === undefined) counts.missed++
    else if (Buffer.compare(read, value) === 0) counts.right++
    else counts.wrong++
  }
  expect(lab.counts.corrupt).toBeGreaterThanOrEqual(200)
  return counts
}
