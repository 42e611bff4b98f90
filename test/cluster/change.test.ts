import { describe, expect, it } from 'vitest'
import { NodeError } from '../../src/base/errors.ts'
import { loadHash } from '../../src/base/hash.ts'
import { diff } from '../../src/placement/diff.ts'
import { ring } from '../../src/placement/ring.ts'
import { collect, makeCache, rejection, settled, turn } from '../support/caches.ts'
import { FakeServer, gate, takes } from '../support/fake-node.ts'
import { ManualClock } from '../../src/testing/index.ts'

async function setUp(...ids: string[]) {
  const clock = new ManualClock()
  const servers = Object.fromEntries(['a', 'b', 'c', 'd'].map((id) => [id, new FakeServer(id)]))
  const cache = await makeCache({ nodes: ids.map((id) => servers[id]!.node()), clock, nodeTimeout: 200 })
  const nodesNow = (): string[] => cache.stats().nodes.map(({ id }) => id)
  const counts = (what: 'opened' | 'closed'): Record<string, number> =>
    Object.fromEntries(Object.values(servers).map((server) => [server.id, server[what]]))
  return { cache, clock, servers: servers as Record<'a' | 'b' | 'c' | 'd', FakeServer>, nodesNow, counts }
}

const weighted = (weights: Record<string, number>) => Object.entries(weights).map(([id, weight]) => ({ id, weight }))

describe('the diff that a change resolves to', () => {
  it('is that of the two rings', async () => {
    const { cache, servers } = await setUp('a', 'b')
    const hash = await loadHash()
    const between = (before: Record<string, number>, after: Record<string, number>) =>
      diff(ring(weighted(before), { hash }), ring(weighted(after), { hash }))
    expect(await cache.addNode(servers.c.node())).toEqual(between({ a: 1, b: 1 }, { a: 1, b: 1, c: 1 }))
    expect(await cache.reweight('a', 3)).toEqual(between({ a: 1, b: 1, c: 1 }, { a: 3, b: 1, c: 1 }))
    expect(await cache.removeNode('b')).toEqual(between({ a: 3, b: 1, c: 1 }, { a: 3, c: 1 }))
    const nodes = [servers.d.node({ weight: 2 }), servers.c.node()]
    expect(await cache.setNodes(nodes)).toEqual(between({ a: 3, c: 1 }, { c: 1, d: 2 }))
    expect(await cache.setNodes(nodes.toReversed())).toEqual({ moved: 0, moves: [] })
    expect(cache.stats().topology).toEqual({ epoch: 6, nodes: 2, points: 3 * 1_024 })
  })
})

describe('a change', () => {
  it('keeps the adapters of those that stay, and closes those that leave', async () => {
    const { cache, servers, counts, nodesNow } = await setUp('a', 'b')
    await cache.setNodes([servers.b.node({ weight: 2 }), servers.c.node()])
    await cache.reweight('b', 5)
    await cache.addNode(servers.d.node())
    expect(nodesNow()).toEqual(['b', 'c', 'd'])
    expect(counts('opened')).toEqual({ a: 1, b: 1, c: 1, d: 1 })
    expect(counts('closed')).toEqual({ a: 1, b: 0, c: 0, d: 0 })
    await cache.addNode(servers.a.node())
    expect(counts('opened')).toEqual({ a: 2, b: 1, c: 1, d: 1 })
  })

  it('of replicas keeps the primary’s adapter, and one that is promoted its own', async () => {
    const { cache, servers, counts } = await setUp('a')
    await cache.setNodes([servers.a.node({ replicas: [servers.b, servers.c] })])
    const promoted = { ...servers.a.node(), primary: servers.b.node().primary }
    await cache.setNodes([promoted])
    expect(counts('opened')).toEqual({ a: 1, b: 1, c: 1, d: 0 })
    expect(counts('closed')).toEqual({ a: 1, b: 0, c: 1, d: 0 })
    await cache.set('key', 1)
    expect([servers.a.count('write'), servers.b.count('write')]).toEqual([0, 1])
  })

  it('lets calls under way finish on the old nodes, which are closed after them', async () => {
    const { cache, clock, servers } = await setUp('a')
    await cache.set('key', 'on a')
    servers.a.reads = takes(clock, 100)
    const reading = cache.get('key')
    const changing = cache.setNodes([servers.b.node()])
    await clock.advanceAsync(50)
    expect([servers.a.closed, await settled(changing)]).toEqual([0, false])
    // Those that begin now go to the new ones.
    expect(await cache.get('key')).toBeUndefined()
    expect(servers.b.count('read')).toBe(1)
    await clock.advanceAsync(50)
    expect(await reading).toBe('on a')
    await changing
    expect(servers.a.closed).toBe(1)
  })

  it('waits for a leaver that hangs no longer than twice the node time-out', async () => {
    const { cache, clock, servers } = await setUp('a', 'b')
    servers.a.all = () => new Promise(() => {})
    servers.a.closes = () => new Promise(() => {})
    void cache.getMany(Array.from({ length: 20 }, (_, i) => `key:${i}`))
    const changing = cache.removeNode('a')
    await clock.advanceAsync(400)
    await changing
  })

  it('happens one after another, each on what the one before left', async () => {
    const { cache, servers, nodesNow } = await setUp('a')
    const connecting = gate()
    servers.b.connects = () => connecting.promise.then(() => ({ runId: 'b', role: 'unknown', version: '' }))
    const changes = collect(cache, 'topology')
    const work = [
      cache.addNode(servers.b.node()),
      cache.addNode(servers.c.node()),
      rejection(cache.addNode(servers.c.node())),
      cache.removeNode('a'),
      cache.reweight('b', 2),
    ]
    await turn()
    expect(nodesNow()).toEqual(['a'])
    connecting.open()
    const results = await Promise.all(work)
    expect(results[2]).toMatchObject({ code: 'ERR_DUPLICATE_ID' })
    expect(changes.map(({ epoch, added, removed }) => [epoch, added, removed])).toEqual([
      [2, ['b'], []],
      [3, ['c'], []],
      [4, [], ['a']],
      [5, [], []],
    ])
    expect(nodesNow()).toEqual(['b', 'c'])
  })

  it('serves on the old topology while new nodes connect', async () => {
    const { cache, servers } = await setUp('a')
    await cache.set('key', 1)
    const connecting = gate()
    servers.b.connects = () => connecting.promise.then(() => ({ runId: 'b', role: 'unknown', version: '' }))
    const adding = cache.addNode(servers.b.node())
    await turn()
    expect(await cache.get('key')).toBe(1)
    expect(servers.b.count()).toBe(0)
    connecting.open()
    await adding
  })

  it('does not fail because a new node is down, or hangs', async () => {
    const { cache, clock, servers, nodesNow } = await setUp('a')
    servers.b.connects = () => Promise.reject(new NodeError('ERR_NODE_DOWN', 'b is down'))
    servers.c.connects = () => new Promise(() => {})
    const errors = collect(cache, 'node-error')
    await cache.addNode(servers.b.node())
    const adding = cache.addNode(servers.c.node())
    await clock.advanceAsync(2_000)
    await adding
    expect(nodesNow()).toEqual(['a', 'b', 'c'])
    expect(errors.map(({ node, operation, code }) => [node, operation, code])).toEqual([
      ['b', 'connect', 'ERR_NODE_DOWN'],
      // The first probe of its circuit, a second later.
      ['b', 'connect', 'ERR_NODE_DOWN'],
      ['c', 'connect', 'ERR_NODE_TIMEOUT'],
    ])
  })
})

describe('a change that fails changes nothing', () => {
  const refused = () => Promise.reject(new NodeError('ERR_AUTH', 'wrong password'))

  it.each<[string, (servers: Record<'a' | 'b' | 'c' | 'd', FakeServer>) => never[], string]>([
    ['no nodes', () => [], 'ERR_NO_NODES'],
    ['two with one id', ({ c }) => [c.node(), c.node()] as never[], 'ERR_DUPLICATE_ID'],
    ['what is no node', ({ c }) => [c.node(), 'redis://x'] as never[], 'ERR_OPTION'],
  ])('%s: and opens nothing', async (_, nodes, code) => {
    const { cache, servers, counts, nodesNow } = await setUp('a', 'b')
    const changes = collect(cache, 'topology')
    expect(await rejection(cache.setNodes(nodes(servers)))).toMatchObject({ code })
    expect(counts('opened')).toEqual({ a: 1, b: 1, c: 0, d: 0 })
    expect(counts('closed')).toEqual({ a: 0, b: 0, c: 0, d: 0 })
    expect([nodesNow(), changes, cache.stats().topology.epoch]).toEqual([['a', 'b'], [], 1])
    expect(await cache.set('key', 1)).toMatchObject({ ok: true })
  })

  it('a wrong password: and closes what it opened, and only that', async () => {
    const { cache, servers, counts, nodesNow } = await setUp('a', 'b')
    servers.d.connects = refused
    const nodes = [servers.b.node(), servers.c.node(), servers.d.node()]
    expect(await rejection(cache.setNodes(nodes))).toMatchObject({ code: 'ERR_AUTH' })
    expect(nodesNow()).toEqual(['a', 'b'])
    expect(counts('closed')).toEqual({ a: 0, b: 0, c: 1, d: 1 })
    servers.d.connects = () => Promise.resolve({ runId: 'd', role: 'unknown', version: '' })
    await cache.setNodes(nodes)
    expect(nodesNow()).toEqual(['b', 'c', 'd'])
  })

  it('an adapter that cannot be made: and closes what it opened', async () => {
    const { cache, servers, counts, nodesNow } = await setUp('a', 'b')
    const broken = { ...servers.d.node(), primary: { ...servers.d.node().primary, open: () => { throw new Error('no') } } } // prettier-ignore
    expect(await rejection(cache.setNodes([servers.a.node(), servers.c.node(), broken]))).toMatchObject({
      message: 'no',
    })
    expect(nodesNow()).toEqual(['a', 'b'])
    expect(counts('closed')).toEqual({ a: 0, b: 0, c: 1, d: 0 })
  })

  it('create: closes what it opened', async () => {
    const [good, bad] = [new FakeServer('good'), new FakeServer('bad')]
    bad.connects = refused
    expect(await rejection(makeCache({ nodes: [good.node(), bad.node()] }))).toMatchObject({ code: 'ERR_AUTH' })
    expect([good.closed, bad.closed]).toEqual([1, 1])
  })
})
