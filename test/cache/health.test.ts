import { describe, expect, it } from 'vitest'
import { NodeError } from '../../src/base/errors.ts'
import type { NodeInfo } from '../../src/node/contract.ts'
import { customNode, type NodeSpec } from '../../src/node/spec.ts'
import { bench, makeCache } from '../support/caches.ts'
import { FakeServer, isDown, works } from '../support/fake-node.ts'

/** A node whose servers tell these things of themselves; the primary first. */
function telling(...infos: (Partial<NodeInfo> | NodeError)[]): NodeSpec {
  const [open, ...replicas] = infos.map((info) => (context: Parameters<FakeServer['open']>[0]) => {
    const told = { runId: 'x', role: 'unknown' as const, version: '1', keys: 0, bytes: 0 }
    const powers = {
      info: () => (info instanceof NodeError ? Promise.reject(info) : Promise.resolve({ ...told, ...info })),
    }
    return Object.assign(new FakeServer('a').open(context), { powers })
  })
  return customNode(open!, { id: 'a', replicas })
}

describe('health', () => {
  it('sums up the primaries', async () => {
    const node = telling({ keys: 5, bytes: 100 }, { keys: 5, bytes: 70, role: 'replica' })
    const other = { ...telling({ keys: 7, bytes: 11 }), id: 'b' }
    const cache = await makeCache({ nodes: [node, other] })
    expect(await cache.health()).toMatchObject({ healthy: true, totalKeys: 12, totalMemory: 111, issues: [] })
  })

  it('tells how far a replica is behind, which is an issue beyond a mebibyte', async () => {
    const MIB = 1024 * 1024
    for (const [lag, issues] of [
      [0, []],
      [MIB, []],
      [
        MIB + 1,
        [{ code: 'REPLICATION_LAG', node: 'a', text: 'replica a/replica-1 is 1048577 bytes behind its primary' }],
      ],
      // Its offset was read after the primary's.
      [-5, []],
    ] as const) {
      const primary = { role: 'primary', replicationOffset: 10 * MIB } as const
      const cache = await makeCache({
        nodes: [telling(primary, { role: 'replica', replicationOffset: 10 * MIB - lag })],
      })
      const { nodes, issues: found, healthy } = await cache.health()
      expect([nodes[0]!.replicas[0]!.lagBytes, found, healthy]).toEqual([Math.max(0, lag), issues, issues.length === 0])
    }
  })

  it.each([
    ['ERR_NODE_DOWN', 'down', ['replica: no info']],
    // It answered, if only to say that it may not tell.
    ['ERR_NODE', 'up', []],
  ] as const)('counts a server that fails with %s as %s, and knows no lag then', async (code, state, issues) => {
    const replica = new NodeError(code, 'no info')
    const cache = await makeCache({ nodes: [telling({ role: 'primary', replicationOffset: 5 }, replica)] })
    const health = await cache.health()
    expect(health.nodes[0]!.replicas).toEqual([{ address: 'a/replica-1', role: 'unknown', state }])
    expect(health.issues.map(({ text }) => text)).toEqual(issues)
  })

  it('goes by the last operation where an adapter has no such power', async () => {
    const server = new FakeServer()
    const cache = await makeCache({ nodes: [server.node()] })
    expect((await cache.health()).healthy).toBe(true)
    server.all = isDown
    await cache.get('key')
    expect((await cache.health()).nodes).toMatchObject([{ id: 'fake', role: 'unknown', state: 'down' }])
  })

  it('names what a node has still to be told, until it was', async () => {
    const { cache, server, clock } = await bench()
    server.all = isDown
    server.connects = () => Promise.reject(new NodeError('ERR_NODE_DOWN', 'fake is down'))
    await cache.delete('a')
    await cache.deleteMany(['b', 'c'])
    const { healthy, issues } = await cache.health()
    expect([healthy, issues]).toEqual([
      false,
      [
        { code: 'ERR_NODE_DOWN', node: 'fake', text: 'primary: fake cannot be reached' },
        { code: 'JOURNAL', node: 'fake', text: 'keys that wait to be removed from it: 3' },
      ],
    ])
    expect(cache.stats().nodes[0]).toMatchObject({
      journal: { keys: 3, bytes: 303, added: 3, replayed: 0, overflowed: 0, dropped: 0 },
      members: [{ state: 'down', circuit: 'open', refused: 2 }],
    })
    server.all = works
    server.connects = () => Promise.resolve({ runId: 'fake', role: 'unknown', version: '' })
    await clock.advanceAsync(1_000)
    expect((await cache.health()).issues).toEqual([])
    expect(cache.stats().nodes[0]).toMatchObject({
      journal: { keys: 0, bytes: 0, replayed: 3 },
      members: [{ state: 'up', circuit: 'closed' }],
    })
  })
})
