import { describe, expect, it, vi } from 'vitest'
import { Events, type EventType } from '../../src/base/events.ts'
import { bench, collect, makeCache, rejection, turn } from '../support/caches.ts'
import { FakeServer, isDown } from '../support/fake-node.ts'
import { ManualClock } from '../../src/testing/index.ts'

describe('events', () => {
  it('hit and miss: of reads and of loads, with the source', async () => {
    const { cache, clock } = await bench({ l1: {} })
    const at = clock.now()
    const [hits, misses] = [collect(cache, 'hit'), collect(cache, 'miss')]
    await cache.getOrLoad('key', () => 1)
    await cache.get('key')
    await cache.getMany(['key', 'none'], { l1: false })
    await cache.getOrLoad('key', () => 1)
    await cache.has('none')
    expect(hits).toEqual([
      { type: 'hit', key: 'key', source: 'l1', at },
      { type: 'hit', key: 'key', source: 'fake', at },
      { type: 'hit', key: 'key', source: 'l1', at },
    ])
    expect(misses).toEqual(['key', 'none', 'none'].map((key) => ({ type: 'miss', key, at })))
    expect(cache.stats()).toMatchObject({ hits: 3, misses: 3 })
    expect((await cache.health()).hitRate).toBe(0.5)
  })

  it('load: once per flight, with how it went', async () => {
    const { cache, clock } = await bench()
    const loads = collect(cache, 'load')
    const slow = () => new Promise<number>((resolve) => clock.setTimer(() => resolve(1), 40))
    const callers = [cache.getOrLoad('a', slow), cache.getOrLoad('a', slow)]
    await clock.advanceAsync(40)
    await Promise.all(callers)
    await cache.getOrLoadMany(['b', 'c'], () => [])
    await rejection(cache.getOrLoad('d', () => Promise.reject(new Error('x'))))
    const at = clock.now()
    expect(loads).toEqual([
      { type: 'load', key: 'a', keys: 1, ms: 40, ok: true, at },
      { type: 'load', key: 'b', keys: 2, ms: 0, ok: true, at },
      { type: 'load', key: 'd', keys: 1, ms: 0, ok: false, at },
    ])
    expect(cache.stats().loads).toEqual({
      started: 3,
      failed: 1,
      timedOut: 0,
      shared: 1,
      gated: 0,
      ms: 40,
      running: 0,
      queued: 0,
    })
  })

  it('node-error: of every operation, also of those that an open circuit keeps from the server', async () => {
    const { cache, server, clock } = await bench()
    const errors = collect(cache, 'node-error')
    server.all = isDown
    await cache.getMany(['a', 'b'])
    await cache.set('a', 1)
    await cache.delete('a')
    const event = { type: 'node-error', node: 'fake', address: 'fake:1', code: 'ERR_NODE_DOWN', at: clock.now() }
    const message = 'fake:1 is not asked, its circuit is open: fake cannot be reached'
    expect(errors).toEqual([
      { ...event, operation: 'read', keys: 2, message: 'fake cannot be reached' },
      { ...event, operation: 'write', keys: 1, message },
      { ...event, operation: 'remove', keys: 1, message },
    ])
    expect(server.asked).toHaveLength(1)
  })

  it('failover: to the member that answered', async () => {
    const clock = new ManualClock()
    const [primary, replica] = [new FakeServer('a'), new FakeServer('r')]
    const cache = await makeCache({ nodes: [primary.node({ replicas: [replica] })], clock })
    const failovers = collect(cache, 'failover')
    primary.all = isDown
    await cache.getMany(['k', 'l'])
    const at = clock.now()
    expect(failovers).toEqual([{ type: 'failover', node: 'a', from: 'a', to: 'a/replica-1', keys: 2, at }])
  })

  it('topology: of every change, with the share that moved', async () => {
    const clock = new ManualClock()
    const servers = ['a', 'b', 'c'].map((id) => new FakeServer(id))
    const cache = await makeCache({ nodes: servers.slice(0, 2).map((server) => server.node()), clock })
    const changes = collect(cache, 'topology')
    const { moved } = await cache.addNode(servers[2]!.node())
    await cache.removeNode('a')
    const at = clock.now()
    expect(changes).toEqual([
      { type: 'topology', epoch: 2, added: ['c'], removed: [], moved, at },
      { type: 'topology', epoch: 3, added: [], removed: ['a'], moved: changes[1]!.moved, at },
    ])
    expect(cache.stats().topology).toMatchObject({ epoch: 3, nodes: 2 })
  })

  it('dropped: see the tests of each reason', async () => {
    const { cache, server } = await bench()
    const dropped = collect(cache, 'dropped')
    server.store.set('key', { value: Buffer.from('x'), until: Infinity })
    await cache.get('key')
    expect(dropped.map((event) => Object.keys(event).toSorted())).toEqual([['at', 'key', 'node', 'reason', 'type']])
  })
})

describe('listeners', () => {
  it('stop when told to; each for itself, also when one was given twice', async () => {
    const { cache } = await bench()
    const seen: string[] = []
    const listener = () => seen.push('twice')
    const offs = [cache.on('miss', listener), cache.on('miss', listener), cache.on('miss', () => seen.push('other'))]
    await cache.get('key')
    expect(seen.splice(0)).toEqual(['twice', 'twice', 'other'])
    offs[0]!()
    offs[0]!()
    await cache.get('key')
    expect(seen.splice(0)).toEqual(['twice', 'other'])
    for (const off of offs) off()
    await cache.get('key')
    expect(seen).toEqual([])
  })

  it('that throw or reject harm nobody, and are counted', async () => {
    const { cache, server } = await bench({ l1: {} })
    const after: string[] = []
    for (const type of ['hit', 'miss', 'load', 'node-error', 'dropped', 'topology'] as const) {
      cache.on(type, () => {
        throw new Error('a listener')
      })
      cache.on(type, () => Promise.reject(new Error('a listener')))
      cache.on(type, () => after.push(type))
    }
    await cache.set('key', 1)
    expect(await cache.get('key')).toBe(1)
    expect(await cache.get('none')).toBeUndefined()
    expect(await cache.getOrLoad('none', () => 2)).toBe(2)
    server.all = isDown
    expect(await cache.set('key', 2)).toMatchObject({ ok: false })
    expect(await cache.getOrLoad('other', () => 3, { l1: false })).toBe(3)
    await cache.addNode(new FakeServer('b').node())
    await turn()
    expect(new Set(after)).toEqual(new Set(['hit', 'miss', 'load', 'node-error', 'dropped', 'topology']))
    expect(cache.stats().listenerFailures).toBe(2 * after.length)
  })

  it('may call the cache, and add and remove listeners', async () => {
    const { cache } = await bench()
    const seen: unknown[] = []
    const off = cache.on('miss', async ({ key }) => {
      off()
      await cache.set(key, 1)
      seen.push(await cache.get(key))
    })
    await cache.get('key')
    await turn()
    expect(seen).toEqual([1])
  })

  it('there are none: hot paths build no event', async () => {
    const emit = vi.spyOn(Events.prototype, 'emit')
    const { cache, server } = await bench({ l1: {} })
    await cache.set('key', 1)
    await cache.get('key')
    await cache.get('none')
    await cache.getOrLoad('none', () => 2)
    server.all = isDown
    await cache.get('other')
    await cache.getOrLoad('other', () => 2)
    await turn()
    expect(emit).not.toHaveBeenCalled()
    const off = cache.on('hit', () => {})
    await cache.get('key')
    expect(emit).toHaveBeenCalledTimes(1)
    off()
    await cache.get('key')
    expect(emit).toHaveBeenCalledTimes(1)
  })

  it('exist for every documented type, and no other', async () => {
    const { cache } = await bench()
    const types: EventType[] = ['hit', 'miss', 'load', 'node-error', 'circuit', 'failover', 'topology']
    const more = ['replication-lag', 'journal', 'fence', 'eject', 'dropped'] as const
    for (const type of [...types, ...more]) cache.on(type, () => {})()
    expect(() => cache.on('toString' as never, () => {})).toThrow(expect.objectContaining({ code: 'ERR_OPTION' }))
  })
})
