import { systemClock } from '../../src/base/clock.ts'
import { Stamps } from '../../src/base/stamps.ts'
import { describe, expect, it } from 'vitest'
import type { NodeIdentity } from '../../src/node/contract.ts'
import { Acquaintance, voidBefore } from '../../src/node/identity.ts'

const NOW = 1_800_000_000_000

const MINUTE = 60_000

const primary: NodeIdentity = { runId: 'new', role: 'primary', version: '7' }
const replica: NodeIdentity = { ...primary, role: 'replica' }

describe('entries are void', () => {
  it.each<[string, string | undefined, NodeIdentity, number]>([
    // A server that is known.
    ['the same process', 'new', { ...primary, uptime: 5_000, restored: true }, 0],
    ['one that will not say who it is', 'old', { ...primary, runId: '', uptime: 5_000, restored: true }, 0],
    ['another process, empty', 'old', { ...primary, uptime: 5_000, restored: true, empty: true }, 0],
    ['another process, that loaded nothing', 'old', { ...primary, uptime: 5_000, restored: false }, 0],
    ['another process, with data', 'old', { ...primary, uptime: 5_000, restored: true }, NOW - 5_000],
    ['another process, that does not say', 'old', { ...primary, uptime: 5_000 }, NOW - 5_000],
    ['another process, not empty now', 'old', { ...primary, uptime: 5_000, empty: false }, NOW - 5_000],
    ['another process, of unknown age', 'old', { ...primary, restored: true }, NOW],
    ['another process, long since', 'old', { ...primary, uptime: 90 * MINUTE }, NOW - 90 * MINUTE],
    // A server that is met for the first time.
    ['a stranger', undefined, primary, 0],
    ['a stranger without a name', undefined, { ...primary, runId: '', uptime: 1, restored: true }, 0],
    ['a stranger, young, with data', undefined, { ...primary, uptime: MINUTE - 1, restored: true }, NOW - MINUTE + 1],
    ['a stranger, young, that does not say', undefined, { ...primary, uptime: 5_000 }, 0],
    ['a stranger, young, that loaded nothing', undefined, { ...primary, uptime: 5_000, restored: false }, 0],
    ['a stranger, young, empty', undefined, { ...primary, uptime: 5_000, restored: true, empty: true }, 0],
    ['a stranger with data, settled', undefined, { ...primary, uptime: MINUTE, restored: true }, 0],
    ['a stranger with data, of unknown age', undefined, { ...primary, restored: true }, 0],
    // Replicas.
    ['a replica in step', 'old', { ...replica, uptime: 5_000, restored: true, linked: true }, 0],
    ['a young replica in step', undefined, { ...replica, uptime: 5_000, restored: true, linked: true }, 0],
    ['a replica out of step', 'old', { ...replica, uptime: 5_000, linked: false }, NOW - 5_000],
    ['a replica that does not say', 'old', { ...replica, uptime: 5_000 }, NOW - 5_000],
    ['a primary that says it is linked', 'old', { ...primary, uptime: 5_000, linked: true }, NOW - 5_000],
  ])('on %s (known as %s)', (_, known, identity, expected) => {
    expect(voidBefore(known, identity, NOW)).toBe(expected)
  })
})

const at = (now: number): Stamps => new Stamps({ ...systemClock, now: () => now })

describe('an acquaintance', () => {
  it('is told once of a restart, and remembers it', () => {
    const known = new Acquaintance()
    expect([known.meet({ ...primary, runId: 'one' }, at(NOW)), known.fence]).toEqual([false, 0])
    const two = { ...primary, runId: 'two', uptime: 2_000 }
    expect([known.meet(two, at(NOW)), known.fence]).toEqual([true, NOW - 2_000])
    expect([known.meet(two, at(NOW + 9_000)), known.fence]).toEqual([false, NOW - 2_000])
  })

  it('of a replica is told that it copied another history, and that once', () => {
    const known = new Acquaintance()
    const copy = { ...replica, linked: true }
    expect([known.hasHistory, known.knows('a')]).toEqual([false, true])
    expect([known.meet({ ...copy, history: 'a' }, at(NOW)), known.hasHistory]).toEqual([false, true])
    expect([known.knows('a'), known.knows('b'), known.knows(undefined)]).toEqual([true, false, true])
    expect([known.meet({ ...copy, history: 'b' }, at(NOW + 5)), known.fence]).toEqual([true, NOW + 5])
    expect([known.meet({ ...copy, history: 'b' }, at(NOW + 9)), known.fence]).toEqual([false, NOW + 5])
    expect(known.meet(copy, at(NOW + 9))).toBe(false)
    expect([known.knows('a'), known.knows('b')]).toEqual([false, true])
  })

  it('of a replica knows the history of a primary that was met, and only that', () => {
    const [known, its] = [new Acquaintance(), new Acquaintance()]
    known.primary = its
    its.meet({ ...primary, runId: 'one', history: 'a' }, at(NOW))
    expect([known.knows('a'), known.knows('b')]).toEqual([true, false])
    known.meet({ ...replica, linked: true, history: 'a' }, at(NOW))
    // It restarts and is met: what is void on it is so on the replica.
    its.meet({ ...primary, runId: 'two', uptime: 2_000, history: 'b' }, at(NOW))
    expect(known.meet({ ...replica, linked: true, history: 'b' }, at(NOW))).toBe(false)
    // It restarts, and is not.
    expect(known.meet({ ...replica, linked: true, history: 'c' }, at(NOW))).toBe(true)
  })

  it.each<[string, NodeIdentity]>([
    ['is empty', { ...replica, linked: true, empty: true, history: 'b' }],
    ['will not say who it is', { ...replica, runId: '', history: 'b' }],
    ['was promoted', { ...replica, role: 'primary', history: 'b' }],
  ])('of another history voids nothing where the server %s', (_, identity) => {
    const known = new Acquaintance()
    known.meet({ ...replica, linked: true, history: 'a' }, at(NOW))
    expect([known.meet(identity, at(NOW)), known.fence]).toEqual([false, 0])
  })

  it('never moves a fence back', () => {
    const known = new Acquaintance()
    known.meet(primary, at(NOW))
    known.raise(NOW + 5_000)
    expect(known.meet({ ...primary, runId: 'other', uptime: 60_000 }, at(NOW))).toBe(false)
    expect([known.raise(NOW), known.raise(NOW + 5_000), known.fence]).toEqual([false, false, NOW + 5_000])
  })

  it('does not forget who a server was because it once would not say', () => {
    const known = new Acquaintance()
    known.meet({ ...primary, runId: 'one' }, at(NOW))
    known.meet({ ...primary, runId: '' }, at(NOW))
    expect(known.meet({ ...primary, runId: 'one', uptime: 1 }, at(NOW))).toBe(false)
    expect(known.meet({ ...primary, runId: 'two', uptime: 1_000 }, at(NOW))).toBe(true)
  })

  it('goes on from what was known of the server before', () => {
    const before = new Acquaintance()
    before.meet({ ...primary, runId: 'one', history: 'a' }, at(NOW))
    before.raise(NOW - 1)
    const known = new Acquaintance()
    known.follow(before)
    expect([known.fence, known.knows('a'), known.knows('b')]).toEqual([NOW - 1, true, false])
    expect(known.meet({ ...primary, runId: 'one', uptime: 0 }, at(NOW))).toBe(false)
    expect(known.meet({ ...primary, runId: 'two', uptime: 0 }, at(NOW))).toBe(true)
  })

  it('keeps the fence of a restart when the server restarts once more, empty', () => {
    const known = new Acquaintance()
    known.meet({ ...primary, runId: 'one' }, at(NOW))
    known.meet({ ...primary, runId: 'two', uptime: 0 }, at(NOW))
    known.meet({ ...primary, runId: 'three', uptime: 0, empty: true }, at(NOW + 10_000))
    expect(known.fence).toBe(NOW)
  })
})
