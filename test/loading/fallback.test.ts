import { describe, expect, it } from 'vitest'
import { bench, collect, rejection, turn } from '../support/caches.ts'
import { after, isDown } from '../support/fake-node.ts'

describe('when nodes fail', () => {
  it('the loader answers, the value is told as not written, and L1 has it', async () => {
    const { cache, server } = await bench({ l1: {} })
    server.all = isDown
    const dropped = collect(cache, 'dropped')
    expect(await cache.getOrLoad('key', () => 'loaded')).toBe('loaded')
    await turn()
    expect(dropped).toMatchObject([{ type: 'dropped', reason: 'fill-failed', key: 'key' }])
    expect(cache.stats().dropped['fill-failed']).toBe(1)
    expect(cache.peek('key')).toBe('loaded')
    expect(await cache.getOrLoad('key', () => 'again')).toBe('loaded')
  })

  it('a read that hangs costs the node time-out, once, and a fill nothing more', async () => {
    const { cache, server, clock } = await bench({ nodeTimeout: 250 })
    server.all = () => new Promise(() => {})
    const loading = cache.getOrLoad('key', () => 'loaded')
    await clock.advanceAsync(249)
    expect(cache.stats().loads.started).toBe(0)
    await clock.advanceAsync(1)
    expect(await loading).toBe('loaded')
    expect(clock.monotonic()).toBe(250)
  })

  it.each([true, false])(
    'who waited for the node as well finds in L1 what was loaded meanwhile; with L1: %s',
    async (l1) => {
      const { cache, server, clock } = await bench({ nodeTimeout: 250, ...(l1 && { l1: {} }) })
      server.all = () => new Promise(() => {})
      const first = cache.getOrLoad('key', () => 'loaded')
      await clock.advanceAsync(100)
      const second = cache.getOrLoad('key', () => 'again')
      await clock.advanceAsync(150)
      expect(await first).toBe('loaded')
      await clock.advanceAsync(100)
      expect(await second).toBe(l1 ? 'loaded' : 'again')
      expect(cache.stats().loads.started).toBe(l1 ? 1 : 2)
    },
  )

  it('a fill that hangs costs what is left of the node time-out', async () => {
    const { cache, server, clock } = await bench({ nodeTimeout: 250 })
    server.reads = after(new Promise<void>((resolve) => clock.setTimer(resolve, 100)))
    server.writes = () => new Promise(() => {})
    const loading = cache.getOrLoad('key', () => 'loaded').then(() => clock.monotonic())
    await clock.advanceAsync(1_000)
    expect(await loading).toBe(250)
    expect(cache.stats().dropped['fill-failed']).toBe(1)
  })

  it('a value too large for its node is returned and counted', async () => {
    const { cache, server } = await bench({ l1: {} })
    server.maxValueBytes = 100
    const dropped = collect(cache, 'dropped')
    const large = 'x'.repeat(100)
    expect(await cache.getOrLoad('key', () => large)).toBe(large)
    expect(server.count('write')).toBe(0)
    expect(dropped).toMatchObject([{ reason: 'too-large', key: 'key' }])
  })

  it('raw values have the whole of it', async () => {
    const { cache, server } = await bench({ format: 'raw' })
    server.maxValueBytes = 100
    await cache.getOrLoad('key', () => 'x'.repeat(98))
    expect(await cache.get('key')).toHaveLength(98)
  })

  it("onNodeError: 'throw' rejects with the node's error instead of loading", async () => {
    const { cache, server } = await bench({ onNodeError: 'throw' })
    server.all = isDown
    let calls = 0
    const down = { code: 'ERR_NODE_DOWN' }
    expect(await rejection(cache.getOrLoad('key', () => calls++))).toMatchObject(down)
    expect(await rejection(cache.get('key'))).toMatchObject(down)
    expect(await rejection(cache.set('key', 1))).toMatchObject(down)
    expect(await rejection(cache.delete('key'))).toMatchObject(down)
    expect(calls).toBe(0)
  })
})

describe('a schema', () => {
  const schema = {
    '~standard': {
      version: 1 as const,
      vendor: 'test',
      validate: (value: unknown) =>
        typeof value === 'number' ? { value: value * 10 } : { issues: [{ message: 'not a number' }] },
    },
  }

  it('shapes what is loaded as it shapes what is read', async () => {
    const { cache } = await bench({ schema, l1: {} })
    expect(await cache.getOrLoad('key', () => 1)).toBe(10)
    expect([cache.peek('key'), await cache.get('key', { l1: false })]).toEqual([10, 10])
  })

  it('refuses what the loader gave: ERR_LOADER_RESULT, nothing written', async () => {
    const { cache, server } = await bench({ schema })
    const error = await rejection(cache.getOrLoad('key', () => 'secret'))
    expect(error).toMatchObject({ code: 'ERR_LOADER_RESULT' })
    expect((error as Error).message).toBe('what was loaded for "key" does not fit the schema: not a number')
    expect(server.count('write')).toBe(0)
  })
})
