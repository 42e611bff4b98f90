import { describe, expect, it } from 'vitest'
import { NodeError } from '../../src/base/errors.ts'
import { customNode } from '../../src/node/spec.ts'
import { ManualClock } from '../../src/testing/index.ts'
import { collect, makeCache } from '../support/caches.ts'
import { FakeServer, works } from '../support/fake-node.ts'

async function setUp(reads: 'prefer-primary' | 'replica') {
  const clock = new ManualClock()
  const [primary, replica] = [new FakeServer('p'), new FakeServer('r')]
  primary.connects = () => Promise.resolve({ runId: 'one', role: 'primary', version: '7' })
  const cache = await makeCache({ nodes: [primary.node({ replicas: [replica] })], clock, reads })
  await cache.set('key', 'old')
  for (const [key, stored] of primary.store) replica.store.set(key, stored)
  clock.advance(60_000)
  return { cache, clock, primary, replica }
}

describe('a primary that restarted with data', () => {
  it.each(['prefer-primary', 'replica'] as const)(
    'makes what it brought back a miss, also on the replica that took it over (%s)',
    async (reads) => {
      const { cache, clock, primary, replica } = await setUp(reads)
      const fences = collect(cache, 'fence')
      const identity = { runId: 'two', role: 'primary' as const, version: '7', uptime: 2_000, restored: true }
      primary.connects = () => Promise.resolve(identity)
      // Three deadlines missed: its circuit opens, and the probe learns who is there now.
      primary.reads = () => new Promise(() => {})
      for (let i = 0; i < 3; i++) {
        const reading = cache.get('key', { reads: 'primary' })
        await clock.advanceAsync(250)
        await reading
      }
      primary.reads = (answer) => Promise.resolve(answer())
      await clock.advanceAsync(1_000)
      expect(fences).toMatchObject([{ node: 'p', before: clock.now() - 2_000 }])
      const dropped = collect(cache, 'dropped')
      expect(await cache.get('key')).toBeUndefined()
      expect(dropped).toMatchObject([{ reason: 'fenced' }])
      expect(primary.store.has('key') && replica.store.has('key')).toBe(true)
      // What is written from now on is good on both.
      await cache.set('key', 'new')
      for (const [key, stored] of primary.store) replica.store.set(key, stored)
      clock.advance(1_000)
      expect(await cache.get('key')).toBe('new')
    },
  )

  it('stays fenced when the node is given again with other settings, a new password, say', async () => {
    const { cache, clock, primary } = await setUp('prefer-primary')
    primary.reads = (_, keys) => Promise.resolve(keys.map(() => new NodeError('ERR_NODE_DOWN', 'restarts')))
    await cache.get('key')
    primary.reads = works
    const restarted = { runId: 'two', role: 'primary' as const, version: '7', restored: true }
    primary.connects = () => Promise.resolve({ ...restarted, uptime: 2_000 })
    await clock.advanceAsync(1_000)
    expect(await cache.get('key')).toBeUndefined()
    // It has run for longer than a stranger would be doubted.
    clock.advance(120_000)
    primary.connects = () => Promise.resolve({ ...restarted, uptime: 122_000 })
    await cache.setNodes([customNode((context) => primary.open(context), { id: primary.id })])
    expect(primary.opened).toBe(2)
    expect(await cache.get('key')).toBeUndefined()
  })

  it('is found out also when it restarted while its settings were changed', async () => {
    const { cache, primary } = await setUp('prefer-primary')
    const restarted = { runId: 'two', role: 'primary' as const, version: '7', uptime: 60_000, restored: true }
    primary.connects = () => Promise.resolve(restarted)
    await cache.setNodes([customNode((context) => primary.open(context), { id: primary.id })])
    expect(await cache.get('key')).toBeUndefined()
  })

  it('control: as long as it is the same process, all is served', async () => {
    const { cache } = await setUp('replica')
    expect(await cache.get('key')).toBe('old')
  })
})
