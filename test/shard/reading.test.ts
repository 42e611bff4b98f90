import { describe, expect, it } from 'vitest'
import { NodeError } from '../../src/base/errors.ts'
import { readInOrder } from '../../src/shard/reading.ts'
import { gate, hangs, isDown, takes, works } from '../support/fake-node.ts'
import { failing, NODE_TIMEOUT, outcomes, setUp } from '../support/reading.ts'

describe('the order', () => {
  it('is kept: the first one that can be asked is', async () => {
    const { read, asked, failovers, guards } = setUp(3)
    const answers = await read()
    expect([outcomes(answers), answers.sourceOf(0)!.guard === guards[0], asked(), failovers]).toEqual([
      ['s0'],
      true,
      [1, 0, 0],
      [],
    ])
  })

  it('with nobody in it is a miss', async () => {
    const { context } = setUp(1)
    const answers = await readInOrder([], ['k', 'l'], 100, context)
    expect(answers.outcomes).toEqual([undefined, undefined])
    expect([answers.sourceOf(0), answers.sourceOf(1)]).toEqual([undefined, undefined])
  })

  it('passes over open circuits at no cost, and tells of it as a failover', async () => {
    const { servers, guards, read, asked, failovers } = setUp(3, 0)
    for (const i of [0, 1]) {
      servers[i]!.reads = isDown
      await guards[i]!.read(['k'], NODE_TIMEOUT)
    }
    expect(outcomes(await read())).toEqual(['s2'])
    expect([asked(), failovers]).toEqual([[1, 1, 1], [['s0:1', 's2:1', 1]]])
  })

  it('with all circuits open asks nothing, takes no time, and says why', async () => {
    const { clock, servers, guards, read, asked } = setUp(3, 2)
    for (const [i, server] of servers.entries()) {
      server.reads = isDown
      await guards[i]!.read(['k'], NODE_TIMEOUT)
    }
    const { outcomes: all } = await read()
    expect(all[0]).toMatchObject({
      code: 'ERR_NODE_DOWN',
      message: expect.stringContaining('circuit is open'),
    })
    expect([asked(), clock.monotonic(), guards[0]!.counts.refused]).toEqual([[1, 1, 1], 0, 1])
  })

  it('passes over a circuit that opened while another member was waited for', async () => {
    const { clock, servers, guards, read, asked } = setUp(3, 1)
    servers[0]!.reads = hangs
    const reading = read()
    await clock.advanceAsync(50)
    servers[1]!.reads = isDown
    await guards[1]!.read(['k'], NODE_TIMEOUT)
    await clock.advanceAsync(50)
    expect(outcomes(await reading)).toEqual(['s2'])
    expect(asked()).toEqual([1, 1, 1])
  })
})

describe('retries', () => {
  it.each([
    [0, 'ERR_NODE', [1, 0, 0]],
    [1, 'ERR_NODE', [1, 1, 0]],
    [2, 's2', [1, 1, 1]],
    [10, 's2', [1, 1, 1]],
  ] as const)('%d: go to as many other members', async (retries, expected, commands) => {
    const { servers, read, asked } = setUp(3, retries)
    servers[0]!.reads = failing('ERR_NODE')
    servers[1]!.reads = failing('ERR_NODE')
    expect(outcomes(await read())).toEqual([expected])
    expect(asked()).toEqual(commands)
  })

  it('ask for what failed alone, and keep what came', async () => {
    const { servers, read, failovers } = setUp(2)
    servers[1]!.store.set('l', { value: Buffer.from('there'), until: Infinity })
    servers[0]!.reads = (answer, keys) =>
      Promise.resolve(answer().map((one, i) => (keys[i] === 'l' ? new NodeError('ERR_NODE', 'no') : one)))
    expect(outcomes(await read(['k', 'l', 'none']))).toEqual(['s0', 'there', undefined])
    expect(servers[1]!.asked).toEqual([{ operation: 'read', keys: ['l'] }])
    expect(failovers).toEqual([['s0:1', 's1:1', 1]])
  })

  it.each([
    ['ERR_NODE_UNREADY', 2],
    ['ERR_NODE', 1],
    ['ERR_NODE_BUSY', 1],
    // Its circuit is open now.
    ['ERR_NODE_DOWN', 1],
    ['ERR_AUTH', 1],
  ] as const)('of the only member, after %s: asked %d times', async (code, times) => {
    const { clock, servers, read, asked } = setUp(1)
    servers[0]!.reads = failing(code)
    const reading = read()
    await clock.advanceAsync(100)
    expect(outcomes(await reading)).toEqual([code])
    expect(asked()).toEqual([times])
  })

  it('are not made at another member either when it is this process that has too much under way', async () => {
    const { servers, read, asked } = setUp(2)
    servers[0]!.reads = failing('ERR_NODE_BUSY')
    expect(outcomes(await read())).toEqual(['ERR_NODE_BUSY'])
    expect(asked()).toEqual([1, 0])
  })

  it('of the same member come after a pause', async () => {
    const { clock, servers, read, asked } = setUp(1)
    servers[0]!.reads = failing('ERR_NODE_UNREADY')
    const reading = read()
    await clock.advanceAsync(14)
    expect(asked()).toEqual([1])
    servers[0]!.reads = works
    await clock.advanceAsync(1)
    expect([asked(), outcomes(await reading)]).toEqual([[2], ['s0']])
  })

  it('of the same member are not made when the pause would outlast the deadline', async () => {
    const { clock, servers, read, asked } = setUp(1)
    servers[0]!.reads = takes(clock, 190)
    const inner = servers[0]!.reads
    servers[0]!.reads = (answer, keys) =>
      inner(answer, keys).then(() => keys.map(() => new NodeError('ERR_NODE_UNREADY', 'loading')))
    const began = clock.monotonic()
    const reading = read().then((answers) => [outcomes(answers), clock.monotonic() - began])
    await clock.advanceAsync(1_000)
    expect(await reading).toEqual([['ERR_NODE_UNREADY'], 190])
    expect(asked()).toEqual([1])
  })

  it('are not made at a server that owes an answer', async () => {
    const { clock, servers, guards, read, asked } = setUp(1)
    servers[0]!.reads = hangs
    void guards[0]!.read(['k'], NODE_TIMEOUT)
    await clock.advanceAsync(100)
    const lost = gate()
    servers[0]!.reads = () => lost.promise.then(() => Promise.reject(new NodeError('ERR_NODE_DOWN', 'dropped')))
    const reading = read()
    await clock.advanceAsync(100)
    // Its connection was thrown away, since nothing came back for so long, and with it the second read.
    lost.open()
    await clock.advanceAsync(50)
    expect([guards[0]!.usable, guards[0]!.responsive]).toEqual([true, false])
    expect([outcomes(await reading), asked()]).toEqual([['ERR_NODE_DOWN'], [2]])
  })

  it('are not made without a budget', async () => {
    const { servers, read, asked } = setUp(2, 1, 2)
    servers[0]!.reads = failing('ERR_NODE')
    for (let i = 0; i < 5; i++) await read()
    expect(asked()).toEqual([5, 2])
  })
})

describe('one deadline', () => {
  it('is halved as long as there is another member to ask, and given whole to the last', async () => {
    const { clock, servers, read, asked } = setUp(3, 2)
    for (const server of servers) server.reads = hangs
    const reading = read().then((answers) => [outcomes(answers), clock.monotonic()])
    await clock.advanceAsync(99)
    expect(asked()).toEqual([1, 0, 0])
    await clock.advanceAsync(1)
    expect(asked()).toEqual([1, 1, 0])
    await clock.advanceAsync(50)
    expect(asked()).toEqual([1, 1, 1])
    await clock.advanceAsync(50)
    expect(await reading).toEqual([['ERR_NODE_TIMEOUT'], 200])
  })

  it('is not halved when nobody else may be asked', async () => {
    for (const [members, retries] of [
      [1, 1],
      [1, 0],
      [3, 0],
    ] as const) {
      const { clock, servers, read } = setUp(members, retries)
      servers[0]!.reads = takes(clock, 199)
      const reading = read()
      await clock.advanceAsync(199)
      expect(outcomes(await reading)).toEqual(['s0'])
    }
  })

  it('is the caller’s: the last member of one retry has all that is left', async () => {
    const { clock, servers, read } = setUp(3, 1)
    servers[0]!.reads = hangs
    servers[1]!.reads = takes(clock, 99)
    const reading = read()
    await clock.advanceAsync(199)
    expect(outcomes(await reading)).toEqual(['s1'])
  })
})
