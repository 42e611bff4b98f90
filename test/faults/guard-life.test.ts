import { describe, expect, it } from 'vitest'
import { NodeError } from '../../src/base/errors.ts'
import { settled } from '../support/caches.ts'
import { after, gate, hangs, isDown, takes } from '../support/fake-node.ts'
import { DEADLINE, item, setUpGuard as setUp } from '../support/guards.ts'

describe('the bound on what waits', () => {
  it('refuses further operations at once, and takes new ones when some have been answered', async () => {
    const { server, guard } = setUp()
    const slow = gate()
    server.reads = after(slow.promise)
    const waiting = Array.from({ length: 20_000 }, () => guard.read(['k'], DEADLINE))
    expect(server.count('read')).toBe(20_000)
    expect(await guard.read(['k'], DEADLINE)).toEqual([expect.objectContaining({ code: 'ERR_NODE_BUSY' })])
    expect(server.count('read')).toBe(20_000)
    slow.open()
    await Promise.all(waiting)
    expect(await guard.read(['k'], DEADLINE)).toEqual([undefined])
  })

  it('does not keep an adapter that holds that many from being closed', async () => {
    const { clock, server, guard } = setUp()
    server.reads = hangs
    const waiting = Array.from({ length: 20_000 }, () => guard.read(['k'], DEADLINE))
    await clock.advanceAsync(DEADLINE)
    await Promise.all(waiting)
    const closing = guard.close(DEADLINE)
    await clock.advanceAsync(DEADLINE)
    await closing
    expect(server.closed).toBe(1)
  })
})

describe('close', () => {
  it('waits for what is under way, and then closes the adapter', async () => {
    const { clock, server, guard } = setUp()
    server.writes = takes(clock, 100)
    const writing = guard.write([item('k')], DEADLINE)
    const closing = guard.close(DEADLINE)
    await clock.advanceAsync(99)
    expect([server.closed, await settled(closing)]).toEqual([0, false])
    await clock.advanceAsync(1)
    await closing
    expect(server.closed).toBe(1)
    expect(await writing).toEqual(['stored'])
  })

  it('waits no longer than it was told, twice, for a server that hangs', async () => {
    const { clock, server, guard, errors } = setUp()
    server.reads = hangs
    server.closes = () => new Promise(() => {})
    void guard.read(['k'], DEADLINE)
    const closing = guard.close(DEADLINE)
    await clock.advanceAsync(DEADLINE)
    expect([server.closed, await settled(closing)]).toEqual([1, false])
    await clock.advanceAsync(DEADLINE)
    await closing
    expect(errors.at(-1)).toMatchObject({ operation: 'close', code: 'ERR_NODE_TIMEOUT' })
  })

  it('lets nothing through any more', async () => {
    const { server, guard } = setUp()
    await guard.close(DEADLINE)
    const down = expect.objectContaining({ code: 'ERR_NODE_DOWN' })
    expect(await guard.read(['k'], DEADLINE)).toEqual([down])
    expect(await guard.write([item('k')], DEADLINE)).toEqual([down])
    expect(server.count()).toBe(0)
  })

  it('of an adapter that throws is told as an event', async () => {
    const { server, guard, errors } = setUp()
    server.closes = () => {
      throw new Error('cannot close')
    }
    await guard.close(DEADLINE)
    expect(errors).toMatchObject([{ operation: 'close', code: 'ERR_NODE', keys: 0 }])
  })
})

describe('state and counts', () => {
  it('follow what the server did last', async () => {
    const { clock, server, guard } = setUp()
    expect([guard.state, guard.latency]).toEqual(['unknown', undefined])
    await guard.connect(DEADLINE)
    expect(guard.state).toBe('up')
    server.reads = isDown
    await guard.read(['k'], DEADLINE)
    expect(guard.state).toBe('down')
    // It is not asked while its circuit is open; the probes after a second close it.
    await guard.read(['k', 'l'], DEADLINE)
    await clock.advanceAsync(1_000)
    expect([guard.state, guard.circuit]).toEqual(['up', 'closed'])
    server.store.set('k', { value: Buffer.from('12345'), until: Infinity })
    server.reads = takes(clock, 10)
    const reading = guard.read(['k', 'none'], DEADLINE)
    await clock.advanceAsync(10)
    await reading
    await guard.write([item('l')], DEADLINE)
    expect(guard.state).toBe('up')
    expect(guard.counts).toEqual({
      reads: 5,
      hits: 1,
      writes: 1,
      removes: 0,
      errors: 1,
      timeouts: 0,
      refused: 2,
      bytesRead: 5,
      bytesWritten: 1,
    })
  })

  it('one bad key does not make a server down', async () => {
    const { server, guard } = setUp()
    await guard.connect(DEADLINE)
    server.writes = (answer) => Promise.resolve([new NodeError('ERR_NODE', 'OOM'), ...answer().slice(1)])
    expect(await guard.write([item('k'), item('l')], DEADLINE)).toMatchObject([{ code: 'ERR_NODE' }, 'stored'])
    expect(guard.state).toBe('up')
  })

  it('a server that fails at once is not taken for a fast one', async () => {
    const { server, guard } = setUp()
    server.all = isDown
    await guard.read(['k'], DEADLINE)
    expect([guard.state, guard.latency]).toEqual(['down', undefined])
  })
})
