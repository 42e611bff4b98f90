import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Distinct } from '../../src/shard/distinct.ts'
import { WIDTH } from '../../src/shard/turn.ts'

// Few different ones, so that many are taken in twice. Marks that are all alike are hashes, too, if bad ones.
const names = fc.oneof(
  fc.integer({ min: 0, max: WIDTH - 1 }).map((n) => `user:${n}`),
  fc.integer({ min: 0, max: 5 }).map((n) => `user:${n}`),
)
const mark = fc.constantFrom(
  () => undefined,
  () => 0,
  (key: string) => -key.length,
  (key: string) => Math.imul(Number(key.slice(5)), 0x9e37_79b1),
)

describe('the keys of a batch of reads', () => {
  it('are there once each, in the order in which they came, and whoever asked for one finds it', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(names, fc.constantFrom('', '', '', 'settle', 'has')), { maxLength: 300 }),
        mark,
        (steps, markOf) => {
          const keys = new Distinct()
          const taken: string[] = []
          for (const [name, step] of steps) {
            keys.take(name, markOf(name))
            taken.push(name)
            if (step === 'settle') expect(keys.settle()).toBe(new Set(taken).size)
            else if (step === 'has') expect([keys.has(name), keys.has('user:-1')]).toEqual([true, false])
          }
          keys.settle()
          expect(keys.names).toEqual([...new Set(taken)])
          expect(keys.at.map((place) => keys.names[place])).toEqual(taken)
        },
      ),
      { seed: 7, numRuns: 500 },
    )
  })
})
