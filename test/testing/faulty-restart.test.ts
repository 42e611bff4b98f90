import { describe, expect, it } from 'vitest'
import { NodeError } from '../../src/base/errors.ts'
import type { NodeAdapter } from '../../src/node/contract.ts'
import { memoryNode } from '../../src/node/memory.ts'
import { faulty, ManualClock } from '../../src/testing/index.ts'
import { bareContext } from '../support/context.ts'
import { FakeServer } from '../support/fake-node.ts'
import { faultyBench, put, removed, texts } from './faulty-bench.ts'

const DOWN = 'ERR_NODE_DOWN'

describe('restart', () => {
  it('breaks the connections; who answers then has a new runId and an age of its own', async () => {
    const { lab, adapter, clock, met } = faultyBench()
    const before = await adapter.connect()
    await put(adapter, { k: 'x' })
    lab.inject({ fault: 'hang', times: 1 })
    const hung = texts(adapter, 'k')
    clock.advance(5_000)
    met.length = 0
    lab.restart()
    expect(await hung).toEqual([DOWN])
    clock.advance(1_234)
    expect(await texts(adapter, 'k')).toEqual(['x'])
    expect(met).toHaveLength(1)
    const after = await adapter.connect()
    expect(after).toMatchObject({ role: before.role, uptime: 1_234 })
    expect(after.runId).not.toBe(before.runId)
    expect(met[0]).toEqual(after)
    expect(await adapter.powers.info?.()).toMatchObject({ runId: after.runId, uptime: 1_234, keys: 1 })
    lab.restart({ member: 'primary' })
    const last = await adapter.connect()
    expect([before.runId, after.runId]).not.toContain(last.runId)
    expect(met.at(-1)).toEqual(last)
  })

  it('is one restart for all caches, also for one that comes later', async () => {
    const { lab, adapter, clock } = faultyBench()
    const open = (): NodeAdapter => lab.node.primary.open({ ...bareContext, clock })
    const other = open()
    lab.restart()
    clock.advance(100)
    const identities = await Promise.all([adapter, other, open()].map((each) => each.connect()))
    expect(identities[0]?.uptime).toBe(100)
    for (const identity of identities) expect(identity).toEqual(identities[0])
  })

  it('is known before anything is asked of the new connection, however much is asked at once', async () => {
    const server = new FakeServer()
    let connects = 0
    const { lab, adapter, met } = faultyBench(1, server.node())
    const answer = server.connects
    server.connects = () => (++connects === 1 ? Promise.reject(new NodeError(DOWN, 'not yet')) : answer())
    let known = 0
    server.writes = (right) => {
      known = met.length
      return Promise.resolve(right())
    }
    lab.restart()
    expect(await Promise.all([texts(adapter, 'k'), removed(adapter, 'k')])).toEqual([[DOWN], [DOWN]])
    expect(server.asked).toEqual([])
    await Promise.all(Array.from({ length: 10 }, (_, i) => put(adapter, { [`${i}`]: 'x' })))
    expect([connects, met.length, known]).toEqual([2, 1, 1])
  })

  it('is seen by a cache whose node restarted before it was there', async () => {
    const lab = faulty(memoryNode('a'))
    lab.restart()
    const clock = new ManualClock()
    const adapter = lab.node.primary.open({ ...bareContext, clock })
    clock.advance(7)
    expect(await adapter.connect()).toMatchObject({ runId: expect.stringContaining('-restarted-1'), uptime: 7 })
  })
})
