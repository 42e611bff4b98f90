import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { orderMembers, type MemberView, type ReadPolicy } from '../../src/shard/read-policy.ts'

const NAMED = ['prefer-primary', 'primary', 'replica', 'prefer-replica', 'nearest'] as const
const SEED = { seed: 20260101 }

const context = (random: () => number = () => 0.5, zone?: string) => ({ node: 'a', zone, random })

const view = fc.record({
  address: fc.string(),
  zone: fc.constantFrom('z1', 'z2'),
  state: fc.constantFrom('unknown', 'up', 'down'),
  latency: fc.option(fc.double({ min: 0, max: 1_000, noNaN: true }), { nil: undefined }),
})
const members: fc.Arbitrary<MemberView[]> = fc
  .array(view, { minLength: 1, maxLength: 6 })
  .map((views) => views.map((one, i) => ({ ...one, role: i === 0 ? 'primary' : 'replica' }) as MemberView))
const numbers = fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }))
const draw =
  (stream: Iterator<number>): (() => number) =>
  () =>
    stream.next().value as number

function member(role: MemberView['role'], more: Partial<MemberView> = {}): MemberView {
  return { role, address: role, state: 'up', latency: 1, ...more }
}

describe('every named policy', () => {
  it('orders members of the shard, each at most once, and leaves them as they were', () => {
    fc.assert(
      fc.property(
        members,
        numbers,
        fc.constantFrom(...NAMED),
        fc.constantFrom(undefined, 'z1'),
        (all, stream, policy, zone) => {
          const before = structuredClone(all)
          const order = orderMembers(policy, all, context(draw(stream), zone))
          expect(new Set(order).size).toBe(order.length)
          for (const one of order) expect(all).toContain(one)
          expect(order.length).toBeGreaterThan(0)
          expect(all).toEqual(before)
        },
      ),
      SEED,
    )
  })

  it('knows who may be asked, and who first', () => {
    fc.assert(
      fc.property(members, numbers, (all, stream) => {
        const order = (policy: ReadPolicy) => orderMembers(policy, all, context(draw(stream)))
        const [primary, ...replicas] = all as [MemberView, ...MemberView[]]
        expect(order('primary')).toEqual([primary])
        expect(order('prefer-primary')[0]).toBe(primary)
        expect(order('prefer-primary')).toHaveLength(all.length)
        expect(order('nearest')).toHaveLength(all.length)
        if (replicas.length === 0) {
          for (const policy of NAMED) expect(order(policy)).toEqual([primary])
          return
        }
        expect(order('replica')).not.toContain(primary)
        expect(order('replica')).toHaveLength(replicas.length)
        expect(order('prefer-replica').at(-1)).toBe(primary)
        expect(order('prefer-replica')).toHaveLength(all.length)
      }),
      SEED,
    )
  })

  it('is a function of what it is given', () => {
    fc.assert(
      fc.property(
        members,
        fc.constantFrom(...NAMED),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (all, policy, n) => {
          const again = () =>
            orderMembers(
              policy,
              all,
              context(() => n),
            )
          expect(again()).toEqual(again())
        },
      ),
      SEED,
    )
  })

  it('spreads reads over equal replicas evenly', () => {
    const all = [member('primary'), member('replica'), member('replica'), member('replica')]
    const firsts = new Map<MemberView, number>()
    for (let i = 0; i < 300; i++) {
      const [first] = orderMembers(
        'replica',
        all,
        context(() => i / 300),
      )
      firsts.set(first!, (firsts.get(first!) ?? 0) + 1)
    }
    expect([...firsts.values()]).toEqual([100, 100, 100])
  })
})

describe('nearest', () => {
  const steady = () => 0.5
  const near = (all: MemberView[], zone?: string) => orderMembers('nearest', all, context(steady, zone))

  it('takes the lowest latency', () => {
    const all = [
      member('primary', { latency: 5 }),
      member('replica', { latency: 1 }),
      member('replica', { latency: 3 }),
    ]
    expect(near(all)).toEqual([all[1], all[2], all[0]])
  })

  it('takes those of this process’s zone first, whatever their latency', () => {
    const all = [
      member('primary', { latency: 1, zone: 'far' }),
      member('replica', { latency: 9, zone: 'here' }),
      member('replica', { latency: 5, zone: 'here' }),
      member('replica', { latency: 0, zone: 'far' }),
    ]
    expect(near(all, 'here')).toEqual([all[2], all[1], all[3], all[0]])
  })

  it('takes those that are down last, even of the same zone', () => {
    const all = [member('primary', { zone: 'far', latency: 9 }), member('replica', { zone: 'here', state: 'down' })]
    expect(near(all, 'here')).toEqual(all)
  })

  it('tries one that was never read before others', () => {
    const all = [member('primary', { latency: 1 }), member('replica', { latency: undefined })]
    expect(near(all)[0]).toBe(all[1])
  })

  it('asks one that is not the nearest now and then', () => {
    const all = [member('primary', { latency: 1 }), member('replica', { latency: 99 })]
    let numbersLeft = [0, 0.01, 0.99]
    const random = () => numbersLeft.shift() as number
    expect(orderMembers('nearest', all, context(random))).toEqual([all[1], all[0]])
    numbersLeft = [0, 0.02]
    expect(orderMembers('nearest', all, context(random))).toEqual(all)
  })
})

describe('a function', () => {
  const all = [member('primary'), member('replica'), member('replica')]

  it('is given the members, primary first, and what it may go by', () => {
    const seen: unknown[] = []
    orderMembers(
      (given, about) => {
        seen.push(given, about.node, about.zone, about.random())
        return given
      },
      all,
      context(() => 0.25, 'here'),
    )
    expect(seen).toEqual([all, 'a', 'here', 0.25])
  })

  it.each<[string, (given: readonly MemberView[]) => readonly MemberView[], number[]]>([
    ['none', () => [], []],
    ['some', (given) => given.slice(1, 2), [1]],
    ['all, reversed', (given) => given.toReversed(), [2, 1, 0]],
    ['one that is not of this shard', (given) => [member('replica'), given[2]!], [2]],
    ['a copy of one', (given) => [{ ...given[0]! }], []],
  ])('may return %s', (_, policy, expected) => {
    const order = orderMembers(policy, all, context())
    expect(order.map((one) => all.indexOf(one))).toEqual(expected)
  })
})
