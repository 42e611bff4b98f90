import { describe, expect, it } from 'vitest'
import { NodeError } from '../../src/base/errors.ts'
import { readInOrder } from '../../src/shard/reading.ts'
import { isDown, works } from '../support/fake-node.ts'
import { failing, NODE_TIMEOUT, outcomes, setUp } from '../support/reading.ts'

describe('a replica that stands in for a primary', () => {
  /** One that names the history of its data, behind a primary that fails. */
  const standIn = async (history: () => Promise<string | undefined>, retries = 1) => {
    const all = setUp(2, retries)
    const [first, second] = all.servers
    let asked = 0
    const identity = { runId: 'r', role: 'replica', version: '', linked: true, history: 'a' } as const
    second!.connects = () => Promise.resolve(identity)
    second!.powers.history = () => {
      asked++
      return history()
    }
    await all.guards[1]!.connect(NODE_TIMEOUT)
    first!.reads = failing('ERR_NODE_UNREADY')
    return { ...all, told: () => asked, replica: second!, identity }
  }

  it('is asked after each read that brought something whether its data are what they were', async () => {
    const { read, told, guards } = await standIn(() => Promise.resolve('a'))
    expect([outcomes(await read()), told()]).toEqual([['s1'], 1])
    expect([outcomes(await read(['none', 'k'])), told()]).toEqual([[undefined, 's1'], 2])
    expect([outcomes(await read(['none'])), told()]).toEqual([[undefined], 2])
    expect(guards[1]!.acquaintance.fence).toBe(0)
  })

  it('is asked who it is when they are another’s, and what it brought is void before anybody has it', async () => {
    const { read, told, guards, replica, identity, clock } = await standIn(() => Promise.resolve('b'))
    clock.advance(5_000)
    let connects = 0
    replica.connects = () => {
      connects++
      return Promise.resolve({ ...identity, history: 'b' })
    }
    expect([outcomes(await read()), guards[1]!.acquaintance.fence]).toEqual([['s1'], clock.now()])
    expect([outcomes(await read()), told(), connects]).toEqual([['s1'], 2, 1])
  })

  it.each<[string, () => Promise<string | undefined>, string]>([
    ['does not say', () => Promise.reject(new NodeError('ERR_NODE_DOWN', 'gone')), 'ERR_NODE_DOWN'],
    ['says nothing in time', () => new Promise(() => {}), 'ERR_NODE_TIMEOUT'],
  ])('has brought nothing when it %s', async (_, history, code) => {
    const { read, clock } = await standIn(history)
    const reading = read().then((answers) => [outcomes(answers), clock.monotonic()])
    await clock.advanceAsync(NODE_TIMEOUT)
    const [came, at] = (await reading) as [unknown, number]
    expect(came).toEqual([code])
    expect(at).toBeLessThanOrEqual(NODE_TIMEOUT)
  })

  it('has brought nothing when it does not say who it is, once its data are another’s', async () => {
    const { read, replica } = await standIn(() => Promise.resolve('b'))
    replica.connects = () => Promise.reject(new NodeError('ERR_NODE_UNREADY', 'loading'))
    expect(outcomes(await read())).toEqual(['ERR_NODE_UNREADY'])
  })

  it('is not asked where the policy puts it first and the primary is in touch; else it is', async () => {
    const { servers, guards, context, told } = await standIn(() => Promise.resolve('a'))
    servers[0]!.reads = works
    await guards[0]!.read(['k'], NODE_TIMEOUT)
    const order = [guards[1]!]
    expect(outcomes(await readInOrder(order, ['k'], NODE_TIMEOUT, context))).toEqual(['s1'])
    expect(told()).toBe(0)
    servers[0]!.reads = isDown
    await guards[0]!.read(['k'], NODE_TIMEOUT)
    expect(outcomes(await readInOrder(order, ['k'], NODE_TIMEOUT, context))).toEqual(['s1'])
    expect(told()).toBe(1)
  })
})
