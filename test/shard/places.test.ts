import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Places } from '../../src/shard/places.ts'

describe('the keys of a batch', () => {
  // Few different ones, so that many are added twice; and some that differ in one character only, anywhere.
  const key = fc.oneof(
    fc.integer({ min: 0, max: 40 }).map((n) => `user:${n}`),
    fc.integer({ min: 0, max: 40 }).map((n) => `${n}:profile:of:a:user`),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 6 }),
  )

  it('are at the places at which they were added', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom('add', 'has'), key), { maxLength: 400 }), (steps) => {
        const places = new Places()
        const names: string[] = []
        for (const [step, name] of steps) {
          if (step === 'has') expect(places.has(name)).toBe(names.includes(name))
          else expect(places.add(name)).toBe(names.push(name) - 1)
        }
        expect(places.names).toEqual(names)
        for (const name of names) expect(places.has(name)).toBe(true)
      }),
      { seed: 7, numRuns: 500 },
    )
  })
})
