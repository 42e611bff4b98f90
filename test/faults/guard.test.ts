import { describe, expect, it } from 'vitest'
import { sliceOf } from '../../src/base/slice.ts'
import { NodeError } from '../../src/base/errors.ts'
import { rejection, settled, turn } from '../support/caches.ts'
import { after, gate, hangs, rejects, takes, throws } from '../support/fake-node.ts'
import { DEADLINE, item, setUpGuard as setUp } from '../support/guards.ts'

const timeout = expect.objectContaining({ code: 'ERR_NODE_TIMEOUT' })

describe('the deadline', () => {
  it('holds against an adapter that hangs, for every operation', async () => {
    const { clock, server, guard, errors } = setUp()
    server.all = hangs
    server.connects = () => new Promise(() => {})
    const work = [
      guard.read(['k', 'l'], DEADLINE),
      guard.write([item('k')], DEADLINE),
      guard.remove(['k'], DEADLINE),
      rejection(guard.connect(DEADLINE)),
    ]
    await clock.advanceAsync(DEADLINE - 1)
    for (const one of work) expect(await settled(one)).toBe(false)
    await clock.advanceAsync(1)
    expect(await Promise.all(work)).toEqual([[timeout, timeout], [timeout], [timeout], timeout])
    expect(errors.map(({ operation, keys, code }) => [operation, keys, code])).toEqual([
      ['read', 2, 'ERR_NODE_TIMEOUT'],
      ['write', 1, 'ERR_NODE_TIMEOUT'],
      ['remove', 1, 'ERR_NODE_TIMEOUT'],
      ['connect', 1, 'ERR_NODE_TIMEOUT'],
    ])
    expect(errors[0]).toEqual({
      type: 'node-error',
      node: 'a',
      address: 'fake:1',
      operation: 'read',
      code: 'ERR_NODE_TIMEOUT',
      message: 'fake:1 did not answer a read of 2 keys within 250 ms',
      keys: 2,
      at: clock.now(),
    })
    expect(guard.state).toBe('down')
    expect(guard.counts).toMatchObject({ reads: 2, hits: 0, writes: 1, removes: 1, timeouts: 4, errors: 4 })
  })

  it('discards a late answer, and a late rejection', async () => {
    const { clock, server, guard } = setUp()
    const late = gate()
    server.reads = after(late.promise)
    const first = guard.read(['k'], DEADLINE)
    const second = guard.read(['k'], DEADLINE)
    await clock.advanceAsync(DEADLINE)
    expect([await first, await second]).toEqual([[timeout], [timeout]])
    late.fail(new Error('much too late'))
    await turn()
    expect(guard.counts).toMatchObject({ hits: 0, errors: 2 })
  })

  it('is each caller’s own', async () => {
    const { clock, server, guard } = setUp()
    server.store.set('k', { value: Buffer.from('1'), until: Infinity })
    server.reads = takes(clock, 100)
    const impatient = guard.read(['k'], 50)
    const patient = guard.read(['k'], 200)
    await clock.advanceAsync(100)
    expect(await impatient).toEqual([timeout])
    expect(await patient).toEqual([sliceOf(Buffer.from('1'))])
  })
})

describe('an adapter that breaks the contract', () => {
  it.each([
    ['rejects', rejects],
    ['throws', throws],
  ])('by one that %s costs its own keys, and its words stay inside', async (_, behaviour) => {
    const { server, guard, errors } = setUp()
    server.all = behaviour
    const failure = expect.objectContaining({ code: 'ERR_NODE' })
    expect(await guard.read(['k', 'l'], DEADLINE)).toEqual([failure, failure])
    expect(await guard.write([item('k')], DEADLINE)).toEqual([failure])
    expect(await guard.remove(['k'], DEADLINE)).toEqual([failure])
    expect(errors).toHaveLength(3)
    for (const { message } of errors) expect(message).not.toContain('secret')
    // Nothing is left waiting: it closes at once.
    await guard.close(DEADLINE)
    expect(server.closed).toBe(1)
  })

  it.each([
    ['too few outcomes', [], 'with 0 outcomes'],
    ['too many', [undefined, undefined, undefined], 'with 3 outcomes'],
    ['nothing', undefined, 'with undefined'],
    ['no list', 'bytes', 'with string'],
  ])('by %s fails all keys of that call', async (_, outcomes, message) => {
    const { server, guard, errors } = setUp()
    server.all = () => Promise.resolve(outcomes as [])
    const failure = expect.objectContaining({ code: 'ERR_NODE', message: expect.stringContaining(message) as string })
    expect(await guard.read(['k', 'l'], DEADLINE)).toEqual([failure, failure])
    expect(await guard.write([item('k'), item('l')], DEADLINE)).toEqual([failure, failure])
    expect(await guard.remove(['k', 'l'], DEADLINE)).toEqual([failure, failure])
    expect(errors).toHaveLength(3)
  })

  it('by null for a miss is taken for one', async () => {
    const { server, guard, errors } = setUp()
    server.reads = () => Promise.resolve([null as never])
    expect(await guard.read(['k'], DEADLINE)).toEqual([null])
    expect(errors).toEqual([])
  })

  it('by an answer that is no promise is read all the same', async () => {
    const { server, guard } = setUp()
    server.reads = (() => [undefined]) as never
    expect(await guard.read(['k'], DEADLINE)).toEqual([undefined])
  })

  it('by errors of another copy of the package keeps their code', async () => {
    const { server, guard } = setUp()
    const foreign = Object.assign(new Error('down'), { code: 'ERR_NODE_DOWN' })
    Object.defineProperty(foreign, Symbol.for('sharded-cache.CacheError'), { value: true })
    server.reads = () => Promise.reject(foreign)
    expect(await guard.read(['k'], DEADLINE)).toEqual([expect.objectContaining({ code: 'ERR_NODE_DOWN' })])
    expect((await guard.read(['k'], DEADLINE))[0]).toBeInstanceOf(NodeError)
  })
})

describe('reset', () => {
  it('comes when nothing at all came back for the node time-out', async () => {
    const { clock, server, guard } = setUp()
    server.reads = hangs
    void guard.read(['k'], DEADLINE)
    await clock.advanceAsync(DEADLINE)
    expect(server.reset).toBe(1)
  })

  it('does not come while other answers arrive', async () => {
    const { clock, server, guard } = setUp()
    server.reads = hangs
    const stuck = guard.read(['k'], DEADLINE)
    await clock.advanceAsync(100)
    await guard.write([item('k')], DEADLINE)
    await clock.advanceAsync(DEADLINE)
    expect(await stuck).toEqual([timeout])
    expect(server.reset).toBe(0)
  })

  it('does not come for a caller who waits less than the node time-out, until they add up to it', async () => {
    const { clock, server, guard } = setUp()
    server.reads = hangs
    for (let waited = 50; waited <= DEADLINE; waited += 50) {
      expect(server.reset).toBe(0)
      void guard.read(['k'], 50)
      await clock.advanceAsync(50)
    }
    expect(server.reset).toBe(1)
  })

  it('comes after the node time-out although the caller waited for less, and nobody else does', async () => {
    const { clock, server, guard } = setUp()
    server.writes = hangs
    void guard.write([item('k')], DEADLINE - 3)
    await clock.advanceAsync(DEADLINE - 3)
    expect(server.reset).toBe(0)
    await clock.advanceAsync(3)
    expect(server.reset).toBe(1)
    await clock.advanceAsync(10 * DEADLINE)
    expect([server.reset, clock.pending]).toEqual([1, 0])
  })

  it('comes for a second silence, too, though the look at the first one has yet to come', async () => {
    const { clock, server, guard } = setUp()
    server.reads = takes(clock, DEADLINE - 20)
    void guard.read(['k'], 50)
    await clock.advanceAsync(DEADLINE - 20)
    server.writes = hangs
    void guard.write([item('k')], 10)
    await clock.advanceAsync(DEADLINE - 1)
    expect(server.reset).toBe(0)
    await clock.advanceAsync(1)
    expect(server.reset).toBe(1)
    await clock.advanceAsync(10 * DEADLINE)
    expect([server.reset, clock.pending]).toEqual([1, 0])
  })

  it('does not come when the answer came later than the caller waited, or the guard was closed', async () => {
    const { clock, server, guard } = setUp()
    server.reads = takes(clock, 100)
    void guard.read(['k'], 50)
    await clock.advanceAsync(DEADLINE)
    server.reads = hangs
    void guard.read(['k'], 50)
    await clock.advanceAsync(50)
    void guard.close(10)
    await clock.advanceAsync(DEADLINE)
    expect(server.reset).toBe(0)
  })

  it('that throws harms no other deadline', async () => {
    const { clock, server, guard } = setUp()
    server.reads = hangs
    server.resets = () => {
      throw new Error('reset failed')
    }
    const reads = [guard.read(['k'], DEADLINE), guard.read(['l'], DEADLINE), guard.read(['m'], DEADLINE)]
    await clock.advanceAsync(DEADLINE)
    expect(await Promise.all(reads)).toEqual([[timeout], [timeout], [timeout]])
  })
})
