import { describe, expect, it } from 'vitest'
import type { NodeAdapter, NodePowers } from '../../src/node/contract.ts'
import { memoryNode } from '../../src/node/memory.ts'
import { faulty } from '../../src/testing/index.ts'
import { settled, turn } from '../support/caches.ts'
import { FakeServer, gate } from '../support/fake-node.ts'
import { faultyBench, put, removed, texts } from './faulty-bench.ts'

const DOWN = 'ERR_NODE_DOWN'

describe('delay', () => {
  it('passes an operation on later, by the clock of the cache', async () => {
    const { lab, adapter, real, clock } = faultyBench()
    lab.inject({ fault: 'delay', ms: '200ms', operation: 'write' })
    const write = put(adapter, { k: 'x' })
    await clock.advanceAsync(199)
    expect(await settled(write)).toBe(false)
    expect(await texts(real, 'k')).toEqual([undefined])
    expect(clock.referenced).toBe(0)
    await clock.advanceAsync(1)
    expect(await write).toEqual(['stored'])
    expect(await texts(real, 'k')).toEqual(['x'])
    expect(clock.pending).toBe(0)
  })

  it.each([
    ['reset', (adapter: NodeAdapter) => adapter.reset()],
    ['close', (adapter: NodeAdapter) => void adapter.close()],
  ])('after a %s meanwhile, nothing is passed on', async (_, end) => {
    const { lab, adapter, real, clock } = faultyBench()
    lab.inject({ fault: 'delay', ms: 200, operation: 'write' })
    const lost = put(adapter, { k: 'x' })
    // In one step: the time is up and the connection ends before anything that was promised goes on.
    clock.advance(199)
    end(adapter)
    expect(clock.pending).toBe(0)
    expect(await lost).toEqual([DOWN])
    await clock.advanceAsync(1_000)
    expect(await texts(real, 'k')).toEqual([undefined])
  })
})

describe('error', () => {
  it('fails the keys struck, which are left as they are, and only those', async () => {
    const { lab, adapter, real } = faultyBench()
    await put(adapter, { a: '1', b: '2', c: '3' })
    lab.inject({ fault: 'error', keys: 'b' })
    expect(await put(adapter, { a: '1', b: '9', c: '3' })).toEqual(['stored', 'ERR_NODE', 'stored'])
    expect(await removed(adapter, 'c', 'b', 'a')).toEqual(['deleted', 'ERR_NODE', 'deleted'])
    expect(await texts(real, 'a', 'b', 'c')).toEqual([undefined, '2', undefined])
  })

  it('gives NodeErrors that name the server and no key', async () => {
    const { lab, adapter } = faultyBench()
    lab.inject({ fault: 'error', code: 'ERR_NODE_UNREADY' })
    const [outcome] = await adapter.read(['secret-key'])
    expect(outcome).toMatchObject({
      name: 'NodeError',
      code: 'ERR_NODE_UNREADY',
      message: 'a answered a read with an injected error',
    })
  })
})

describe('hang', () => {
  it('answers nothing until the connection is reset, and then that it was lost', async () => {
    const { lab, adapter, real, clock } = faultyBench()
    const takeBack = lab.inject({ fault: 'hang' })
    const work = [put(adapter, { k: 'x' }), texts(adapter, 'k'), removed(adapter, 'k')]
    const connecting = adapter.connect().catch((error: unknown) => error)
    await clock.advanceAsync(86_400_000)
    takeBack()
    for (const each of [...work, connecting]) expect(await settled(each)).toBe(false)
    expect(clock.pending).toBe(0)
    adapter.reset()
    expect(await Promise.all(work)).toEqual([[DOWN], [DOWN], [DOWN]])
    expect(await connecting).toMatchObject({ name: 'NodeError', code: DOWN })
    expect(await texts(real, 'k')).toEqual([undefined])
    expect(await put(adapter, { k: 'y' })).toEqual(['stored'])
  })

  it('keeps nobody waiting beyond close, nor after it', async () => {
    const { lab, adapter } = faultyBench()
    lab.inject({ fault: 'hang' })
    const read = texts(adapter, 'k')
    await adapter.close()
    expect(await read).toEqual([DOWN])
    expect(await texts(adapter, 'k')).toEqual([DOWN])
    await expect(adapter.connect()).rejects.toMatchObject({ code: DOWN })
    expect(lab.counts.hang).toBe(1)
  })
})

describe('drop', () => {
  it.each([false, true])('a write that is dropped is carried out if so told: %s', async (applied) => {
    const { lab, adapter, real } = faultyBench()
    lab.inject({ fault: 'drop', operation: 'write', applied, times: 1 })
    expect(await put(adapter, { k: 'x', l: 'y' })).toEqual([DOWN, DOWN])
    expect(await texts(real, 'k', 'l')).toEqual(applied ? ['x', 'y'] : [undefined, undefined])
    expect(await put(adapter, { k: 'z' })).toEqual(['stored'])
  })

  it('ends the connection: of the real adapter too, and for all that is under way', async () => {
    const server = new FakeServer()
    const answer = gate()
    server.reads = (right) => answer.promise.then(right)
    const { lab, adapter, clock } = faultyBench(1, server.node())
    lab.inject({ fault: 'delay', ms: 100, keys: 'slow', operation: 'write' })
    lab.inject({ fault: 'drop', operation: 'remove' })
    const [read, write] = [texts(adapter, 'k'), put(adapter, { slow: 'x' })]
    expect(await removed(adapter, 'k')).toEqual([DOWN])
    expect(await read).toEqual([DOWN])
    expect(await write).toEqual([DOWN])
    expect(server.reset).toBe(1)
    answer.open()
    await clock.advanceAsync(1_000)
    expect(server.store.size).toBe(0)
    expect(server.count('remove')).toBe(0)
  })
})

describe('corrupt', () => {
  it('changes exactly one byte of what is read, and nothing of what is stored', async () => {
    const { lab, adapter, real } = faultyBench(7)
    const value = Buffer.from('0123456789'.repeat(10))
    await adapter.write([{ key: 'k', value, ttl: 1_000 }])
    lab.inject({ fault: 'corrupt' })
    const places = new Set<number>()
    for (let i = 0; i < 200; i++) {
      const [read] = await adapter.read(['k'])
      const wrong = [...(read as Uint8Array)].flatMap((byte, at) => (byte === value[at] ? [] : [at]))
      expect(wrong).toHaveLength(1)
      expect(read).toHaveLength(value.length)
      places.add(wrong[0] as number)
    }
    expect(places.size).toBeGreaterThan(50)
    expect((await real.read(['k']))[0]).toEqual(value)
  })

  it('strikes values only: a miss, an empty value, a lost connection are no strike', async () => {
    const { lab, adapter } = faultyBench()
    await put(adapter, { empty: '', k: 'x' })
    lab.inject({ fault: 'corrupt', times: 1 })
    expect(await texts(adapter, 'none', 'empty')).toEqual([undefined, ''])
    const hang = lab.inject({ fault: 'hang', keys: 'none' })
    const lost = texts(adapter, 'k', 'none')
    hang()
    adapter.reset()
    expect(await lost).toEqual([DOWN, DOWN])
    expect(lab.counts.corrupt).toBe(0)
    expect(await texts(adapter, 'k', 'k')).toEqual([expect.not.stringMatching(/^x$/), 'x'])
    expect(await texts(adapter, 'k')).toEqual(['x'])
    expect(lab.counts.corrupt).toBe(1)
  })
})

describe('down', () => {
  it('the server is gone until the rule is taken back; then it is met again before it answers', async () => {
    const { lab, adapter, real, met } = faultyBench()
    const before = await adapter.connect()
    await put(adapter, { k: 'x' })
    met.length = 0
    lab.inject({ fault: 'error', code: 'ERR_NODE_BUSY' })
    const takeBack = lab.inject({ fault: 'down' })
    for (let i = 0; i < 2; i++) {
      expect(await texts(adapter, 'k', 'l')).toEqual([DOWN, DOWN])
      expect(await put(adapter, { k: 'y' })).toEqual([DOWN])
      expect(await removed(adapter, 'k')).toEqual([DOWN])
      await expect(adapter.connect()).rejects.toMatchObject({ name: 'NodeError', code: DOWN })
      await expect(adapter.powers.info?.()).rejects.toMatchObject({ code: DOWN })
    }
    expect(lab.counts).toMatchObject({ down: 10, error: 0 })
    expect(await texts(real, 'k')).toEqual(['x'])
    expect(met).toEqual([])
    lab.clear()
    takeBack()
    expect(await texts(adapter, 'k')).toEqual(['x'])
    expect(met.map(({ runId }) => runId)).toEqual([before.runId])
    expect(await texts(adapter, 'k')).toEqual(['x'])
    expect(met).toHaveLength(1)
  })

  it('ends what is under way, and tells nobody who answers meanwhile', async () => {
    const server = new FakeServer()
    const { lab, adapter, clock, met } = faultyBench(1, server.node())
    lab.inject({ fault: 'delay', ms: 100 })
    const read = texts(adapter, 'k')
    lab.inject({ fault: 'down' })
    expect(await read).toEqual([DOWN])
    expect(server.reset).toBe(1)
    await clock.advanceAsync(1_000)
    expect(server.asked).toEqual([])
    expect(met).toEqual([])
  })
})

describe('without a rule', () => {
  it('the node is the one that was wrapped, with a connection of its own', () => {
    const [node, replica] = [memoryNode('a', { weight: 2, zone: 'z' }), memoryNode('r').primary]
    const lab = faulty({ ...node, replicas: [replica] })
    expect(lab.node).toMatchObject({ id: 'a', weight: 2, zone: 'z', primary: { address: 'a', zone: 'z' } })
    expect(lab.node.replicas).toMatchObject([{ address: 'r' }])
    const fingerprints = [node.primary, replica, lab.node.primary, lab.node.replicas[0], faulty(node).node.primary]
    expect(new Set(fingerprints.map((member) => member?.fingerprint)).size).toBe(5)
    expect(lab.node.primary.fingerprint).toBe(lab.node.primary.fingerprint)
  })

  it('limits and powers are those of the moment, and the real adapter is the one that says who answers', async () => {
    const server = new FakeServer()
    const who = { runId: 'r', role: 'unknown' as const, version: '' }
    let powers: NodePowers = {}
    const open: typeof server.open = (context) => {
      context.identified(who)
      const adapter = server.open(context)
      return Object.defineProperty(adapter, 'powers', { get: () => powers })
    }
    const { lab, adapter, met } = faultyBench(1, { ...server.node(), primary: { address: 'p', fingerprint: 1, open } })
    expect(met).toEqual([who])
    server.maxValueBytes = 5
    expect(adapter.limits).toEqual({ maxKeyBytes: 250, maxValueBytes: 5, ttlStep: 1 })
    expect(adapter.powers).toEqual({})
    const asked: unknown[] = []
    powers = { removeIf: (...given) => Promise.resolve(asked.push(given) > 0) }
    expect(Object.keys(adapter.powers)).toEqual(['removeIf'])
    expect(await adapter.powers.removeIf?.('k', Buffer.from('x'))).toBe(true)
    expect(asked).toEqual([['k', Buffer.from('x')]])
    lab.inject({ fault: 'error', operation: 'remove', keys: 'k' })
    await expect(adapter.powers.removeIf?.('k', Buffer.from('x'))).rejects.toMatchObject({ code: 'ERR_NODE' })
    expect(await adapter.powers.removeIf?.('l', Buffer.from('x'))).toBe(true)
  })

  it('an adapter that breaks the contract is shown as it is', async () => {
    const server = new FakeServer()
    const { adapter } = faultyBench(1, server.node())
    server.reads = () => Promise.resolve([])
    expect(await adapter.read(['a', 'b'])).toEqual([])
    server.reads = () => Promise.reject(new RangeError('no'))
    await expect(adapter.read(['a'])).rejects.toThrow(RangeError)
    await turn()
  })
})
