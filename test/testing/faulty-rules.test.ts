import { describe, expect, it } from 'vitest'
import { memoryNode } from '../../src/node/memory.ts'
import { faulty, type FaultRule } from '../../src/testing/index.ts'
import { FakeServer } from '../support/fake-node.ts'
import { bareContext } from '../support/context.ts'
import { faultyBench, put, removed, texts } from './faulty-bench.ts'

const refusal = (...words: string[]): unknown =>
  expect.objectContaining({ name: 'OptionError', code: 'ERR_OPTION', message: expect.stringMatching(words.join('.*')) })

describe('what a laboratory refuses', () => {
  it.each<[string, unknown, string[]]>([
    ['no rule', undefined, ['a fault rule', 'undefined']],
    ['a text', 'hang', ['a fault rule', 'hang']],
    ['no fault', {}, ['fault must be one of delay', 'undefined']],
    ['an unknown fault', { fault: 'explode' }, ['fault must be one of delay', 'explode']],
    ['an unknown option', { fault: 'hang', probabilty: 0.1 }, ["'hang' has no option", 'probabilty', 'probability']],
    ['an option of another fault', { fault: 'hang', applied: true }, ['applied']],
    ['an option that down does not heed', { fault: 'down', times: 2 }, ['times']],
    ['an unknown operation', { fault: 'hang', operation: 'get' }, ['operation must be one of connect', 'get']],
    ['a delay without end', { fault: 'delay', ms: Infinity }, ['ms must be finite']],
    ['a delay without time', { fault: 'delay' }, ['ms must be']],
    ['a delay longer than timers', { fault: 'delay', ms: '30d' }, ['ms must be at most 2147483647']],
    ['a code of something else', { fault: 'error', code: 'ERR_LOAD' }, ['code must be one of ERR_NODE', 'ERR_LOAD']],
    ['a flag that is none', { fault: 'drop', applied: 1 }, ['applied must be true or false']],
    ['keys that are none', { fault: 'hang', keys: ['a'] }, ['keys must be', 'an array']],
    ['an empty key', { fault: 'hang', keys: '' }, ['keys must be']],
    ['keys where there are none', { fault: 'hang', operation: 'connect', keys: 'a' }, ['connect has no keys']],
    ['a corrupt write', { fault: 'corrupt', operation: 'write' }, ['only what is read', 'write']],
    ['an unknown member', { fault: 'hang', member: 'b' }, ['member must be one of primary, a; given: "b"']],
    ['replicas where there are none', { fault: 'hang', member: 'replica' }, ['member must be']],
    ['a probability above 1', { fault: 'hang', probability: 1.1 }, ['probability must be', '1.1']],
    ['a probability in percent', { fault: 'hang', probability: '10%' }, ['probability must be']],
    ['no times', { fault: 'hang', times: 0 }, ['times must be a whole number']],
  ])('%s', async (_, rule, words) => {
    const { lab, adapter } = faultyBench()
    expect(() => lab.inject(rule as FaultRule)).toThrow(refusal(...words))
    expect(await texts(adapter, 'k')).toEqual([undefined])
    expect(Object.values(lab.counts)).toEqual([0, 0, 0, 0, 0, 0])
  })

  it('what is no node, bad options, and more rules than there is room for', () => {
    expect(() => faulty('redis://127.0.0.1' as never)).toThrow(refusal('faulty wraps a node', 'redis'))
    expect(() => faulty(memoryNode('a'), { seed: -1 })).toThrow(refusal('seed'))
    expect(() => faulty(memoryNode('a'), { sed: 1 } as never)).toThrow(refusal('sed'))
    const lab = faulty(memoryNode('a'))
    expect(() => lab.restart({ member: 'replica' })).toThrow(refusal('member'))
    expect(() => lab.restart({ data: 'lost' } as never)).toThrow(refusal('data'))
    for (let i = 0; i < 1_000; i++) lab.inject({ fault: 'hang', keys: `${i}` })
    expect(() => lab.inject({ fault: 'hang' })).toThrow(refusal('1000 rules'))
    lab.clear()
    lab.inject({ fault: 'hang' })
  })
})

describe('which rule strikes', () => {
  it('the first that fits; for each key of a batch where keys are struck', async () => {
    const { lab, adapter } = faultyBench()
    await put(adapter, { 'a:1': 'x', 'b:1': 'y', 'c:1': 'z' })
    lab.inject({ fault: 'error', keys: /^a:/, code: 'ERR_NODE_BUSY' })
    lab.inject({ fault: 'error', keys: (key) => !key.startsWith('c:'), code: 'ERR_NODE_UNREADY' })
    expect(await texts(adapter, 'a:1', 'b:1', 'c:1', 'a:1')).toEqual([
      'ERR_NODE_BUSY',
      'ERR_NODE_UNREADY',
      'z',
      'ERR_NODE_BUSY',
    ])
    expect(lab.counts).toEqual({ delay: 0, error: 3, hang: 0, drop: 0, corrupt: 0, down: 0 })
  })

  it('only what it is about: operation and key', async () => {
    const { lab, adapter } = faultyBench()
    lab.inject({ fault: 'error', operation: 'write', keys: 'k' })
    expect(await put(adapter, { k: 'x', kk: 'y' })).toEqual(['ERR_NODE', 'stored'])
    expect(await texts(adapter, 'k', 'kk')).toEqual([undefined, 'y'])
    expect(await removed(adapter, 'k', 'kk')).toEqual(['absent', 'deleted'])
    await adapter.connect()
    lab.inject({ fault: 'error', operation: 'info', code: 'ERR_AUTH' })
    await expect(adapter.powers.info?.()).rejects.toMatchObject({ name: 'NodeError', code: 'ERR_AUTH' })
    await adapter.connect()
    lab.inject({ fault: 'error', operation: 'connect' })
    await expect(adapter.connect()).rejects.toMatchObject({ name: 'NodeError', code: 'ERR_NODE' })
  })

  it('every operation, when nothing is said; with keys, only those that have some', async () => {
    const { lab, adapter } = faultyBench()
    const takeBack = lab.inject({ fault: 'error', keys: /./ })
    await adapter.connect()
    await adapter.powers.info?.()
    expect(await removed(adapter, 'k')).toEqual(['ERR_NODE'])
    takeBack()
    lab.inject({ fault: 'error' })
    await expect(adapter.connect()).rejects.toMatchObject({ code: 'ERR_NODE' })
    await expect(adapter.powers.info?.()).rejects.toMatchObject({ code: 'ERR_NODE' })
  })

  it('a pattern with the flag g fits each time', async () => {
    const { lab, adapter } = faultyBench()
    lab.inject({ fault: 'error', keys: /user/g })
    expect(await texts(adapter, 'user', 'user', 'user')).toEqual(['ERR_NODE', 'ERR_NODE', 'ERR_NODE'])
  })

  it('a member, by its role or its address', async () => {
    const replicas = [new FakeServer('r1'), new FakeServer('r2')]
    const lab = faulty(new FakeServer('p').node({ replicas }))
    const [primary, first, second] = [lab.node.primary, ...lab.node.replicas].map(({ open }) => open(bareContext))
    const struck = async (): Promise<unknown[]> =>
      (await Promise.all([primary, first, second].map((adapter) => texts(adapter!, 'k')))).flat()
    const takeBack = [
      lab.inject({ fault: 'error', member: 'replica', times: 2 }),
      lab.inject({ fault: 'error', member: 'p', code: 'ERR_AUTH' }),
    ]
    expect(await struck()).toEqual(['ERR_AUTH', 'ERR_NODE', 'ERR_NODE'])
    for (const each of takeBack) each()
    lab.inject({ fault: 'error', member: lab.node.replicas[1]!.address })
    expect(await struck()).toEqual([undefined, undefined, 'ERR_NODE'])
    lab.clear()
    lab.inject({ fault: 'down', member: 'primary' })
    expect(await struck()).toEqual(['ERR_NODE_DOWN', undefined, undefined])
  })

  it('as often as it may: keys where keys are struck, operations where those are', async () => {
    const { lab, adapter } = faultyBench()
    lab.inject({ fault: 'error', times: 3 })
    expect(await texts(adapter, 'a', 'b')).toEqual(['ERR_NODE', 'ERR_NODE'])
    expect(await texts(adapter, 'a', 'b')).toEqual(['ERR_NODE', undefined])
    lab.inject({ fault: 'drop', times: 1 })
    expect(await texts(adapter, 'a', 'b')).toEqual(['ERR_NODE_DOWN', 'ERR_NODE_DOWN'])
    expect(await texts(adapter, 'a', 'b')).toEqual([undefined, undefined])
    expect(lab.counts).toMatchObject({ error: 3, drop: 1 })
  })

  it('until it is taken back, which may be done twice, and says nothing of the others', async () => {
    const { lab, adapter } = faultyBench()
    const first = lab.inject({ fault: 'error', code: 'ERR_NODE_BUSY' })
    lab.inject({ fault: 'error' })
    first()
    first()
    expect(await texts(adapter, 'a')).toEqual(['ERR_NODE'])
    lab.clear()
    expect(await texts(adapter, 'a')).toEqual([undefined])
    expect(lab.counts.error).toBe(1)
  })
})

describe('chance', () => {
  /** What 300 reads gave, in a laboratory whose rules strike by chance. */
  async function run(seed?: number, probability = 0.3): Promise<{ seen: (string | undefined)[]; struck: number }> {
    const { lab, adapter } = faultyBench(seed)
    await put(adapter, { k: 'a value of some length' })
    lab.inject({ fault: 'error', probability, code: 'ERR_NODE_BUSY' })
    lab.inject({ fault: 'corrupt', probability: 0.5 })
    const seen: (string | undefined)[] = []
    for (let i = 0; i < 100; i++) seen.push(...(await texts(adapter, 'k', 'k', 'none')))
    return { seen, struck: lab.counts.error }
  }

  it('gives the same faults for the same seed, which is 1 unless given, and others for another', async () => {
    expect(await run(7)).toEqual(await run(7))
    expect(await run()).toEqual(await run(1))
    expect((await run(7)).seen).not.toEqual((await run(8)).seen)
  })

  it('strikes about as often as was said: never at 0, always at 1', async () => {
    // Five standard deviations of 300 draws.
    for (const seed of [1, 2, 3]) expect(Math.abs((await run(seed)).struck - 90)).toBeLessThan(40)
    expect((await run(1, 0)).struck).toBe(0)
    expect((await run(1, 1)).struck).toBe(300)
  })

  it('is drawn once for an operation that is struck as a whole, however many keys it has', async () => {
    const { lab, adapter } = faultyBench()
    lab.inject({ fault: 'drop', probability: 0.1 })
    const keys = Array.from({ length: 100 }, (_, i) => `${i}`)
    for (let i = 0; i < 200; i++) await adapter.read(keys)
    expect(lab.counts.drop).toBeGreaterThan(0)
    expect(lab.counts.drop).toBeLessThan(50)
  })
})
