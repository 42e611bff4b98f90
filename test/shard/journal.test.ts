import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkJournal, Journal } from '../../src/shard/journal.ts'

const ROOMY = { maxKeys: 1_000, maxBytes: 1_000_000 }

describe('its bounds', () => {
  it('are counted in keys', () => {
    const journal = new Journal({ maxKeys: 2, maxBytes: 1_000_000 })
    expect(['a', 'b', 'c'].map((key) => journal.note(key))).toEqual([true, true, false])
    expect([journal.size, journal.has('c')]).toEqual([2, false])
    // One that is there already takes no room.
    expect(journal.note('a')).toBe(true)
    journal.settle('b', journal.stamp)
    expect(journal.note('c')).toBe(true)
  })

  it('are counted in bytes of UTF-8, and 100 for each key', () => {
    const journal = new Journal({ maxKeys: 1_000, maxBytes: 310 })
    expect([journal.note('abcde'), journal.bytes]).toEqual([true, 105])
    expect([journal.note('é€'), journal.bytes]).toEqual([true, 210])
    expect([journal.note('x'), journal.bytes]).toEqual([false, 210])
    journal.settle('é€', journal.stamp)
    expect([journal.note(''), journal.bytes]).toEqual([true, 205])
  })

  it('are 100,000 keys and 16 MiB unless given', () => {
    expect(checkJournal(undefined)).toEqual({ maxKeys: 100_000, maxBytes: 16_777_216 })
    expect(checkJournal({ maxKeys: 5 })).toEqual({ maxKeys: 5, maxBytes: 16_777_216 })
  })

  it.each([[{ maxKeys: 0 }], [{ maxBytes: -1 }], [{ maxKeys: 1.5 }], [{ keys: 1 }], [null], [5]])(
    'given as %j are refused',
    (given) => {
      expect(() => checkJournal(given)).toThrow(expect.objectContaining({ code: 'ERR_OPTION' }))
    },
  )

  it('hold for any sequence of notes and settlements', () => {
    const step = fc.record({ key: fc.string({ maxLength: 30 }), settle: fc.boolean() })
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 80 }),
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 2_000 }),
        (steps, maxKeys, maxBytes) => {
          const journal = new Journal({ maxKeys, maxBytes })
          const keys = new Set<string>()
          for (const { key, settle } of steps) {
            if (settle) {
              expect(journal.settle(key, journal.stamp)).toBe(keys.delete(key))
            } else if (journal.note(key)) keys.add(key)
            const bytes = [...keys].reduce((sum, one) => sum + Buffer.byteLength(one) + 100, 0)
            expect([journal.size, journal.bytes]).toEqual([keys.size, bytes])
            expect(journal.size).toBeLessThanOrEqual(maxKeys)
            expect(journal.bytes).toBeLessThanOrEqual(maxBytes)
            expect(new Set(journal.batch(1_000))).toEqual(keys)
          }
        },
      ),
      { seed: 20260301 },
    )
  })
})

describe('a settlement', () => {
  it('counts for what was noted before its stamp, and not for what was noted since', () => {
    const journal = new Journal(ROOMY)
    journal.note('k')
    const stamp = journal.stamp
    journal.note('k')
    expect([journal.settle('k', stamp), journal.has('k')]).toEqual([false, true])
    expect([journal.settle('k', journal.stamp), journal.has('k')]).toEqual([true, false])
    expect(journal.settle('k', journal.stamp)).toBe(false)
  })

  it('of one key leaves the others', () => {
    const journal = new Journal(ROOMY)
    for (const key of ['a', 'b', 'c']) journal.note(key)
    journal.settle('b', journal.stamp)
    expect(journal.batch(10)).toEqual(['a', 'c'])
    expect(journal.batch(1)).toEqual(['a'])
  })
})
