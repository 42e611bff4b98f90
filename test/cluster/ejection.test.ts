import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ejectionAt, IN_PLACE, type Ejection } from '../../src/cluster/ejection.ts'

const WALL = 1_800_000_000_000
const MINUTE = 60_000
const at = (monotonic: number, usable: boolean, room = true) => ({ usable, room, now: WALL + monotonic, monotonic })

describe('every transition', () => {
  const out: Ejection = { is: 'out', since: WALL, strikes: 3 }
  const returning: Ejection = { is: 'returning', since: WALL, strikes: 3, at: 9_000 }
  it.each<[string, Ejection, ReturnType<typeof at>, Ejection]>([
    ['in, and well', IN_PLACE, at(5_000, true), IN_PLACE],
    ['in, ill', IN_PLACE, at(5_000, false), { is: 'out', since: WALL + 5_000, strikes: 1 }],
    ['in, ill, and no room', IN_PLACE, at(5_000, false, false), IN_PLACE],
    ['out, and ill', out, at(5_000, false), out],
    ['out, and ill, and no room', out, at(5_000, false, false), out],
    ['out, well', out, at(5_000, true), { is: 'returning', since: WALL, strikes: 3, at: 9_000 }],
    ['returning, too soon', returning, at(8_999, true), returning],
    ['returning, in time', returning, at(9_000, true), { is: 'in', strikes: 3, last: 9_000 }],
    ['returning, ill again', returning, at(9_000, false), out],
  ])('%s', (_, from, moment, to) => {
    const after = ejectionAt(from, moment)
    expect(after).toEqual(to)
    if (JSON.stringify(from) === JSON.stringify(to)) expect(after).toBe(from)
  })
})

/** Ejects and returns a node as often as given, at once each time; the times it was held. */
function holds(times: number, pause: number): number[] {
  let state: Ejection = IN_PLACE
  let now = 0
  return Array.from({ length: times }, () => {
    state = ejectionAt(state, at(now, false))
    state = ejectionAt(state, at(now, true))
    const began = now
    while (state.is !== 'in') state = ejectionAt(state, at((now += 500), true))
    const held = now - began
    now += pause
    return held
  })
}

describe('damping', () => {
  it('holds a node for a second, then twice as long each time, up to five minutes', () => {
    expect(holds(11, 0)).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300].map((seconds) => seconds * 1_000))
  })

  it('forgets after ten minutes in its place', () => {
    expect(holds(3, 10 * MINUTE)).toEqual([1_000, 2_000, 4_000])
    expect(holds(3, 10 * MINUTE + 1)).toEqual([1_000, 1_000, 1_000])
  })

  it('counts from when it is well, anew each time it is not', () => {
    let state = ejectionAt(IN_PLACE, at(0, false))
    for (let now = 100; now < 20_000; now += 900) {
      state = ejectionAt(state, at(now, true))
      state = ejectionAt(state, at(now + 800, false))
    }
    expect(state).toEqual({ is: 'out', since: WALL, strikes: 1 })
  })

  it('flapping: between two ejections a node is held at least the time it has earned, however it flaps', () => {
    const step = fc.record({ ms: fc.integer({ min: 0, max: 400_000 }), usable: fc.boolean(), room: fc.boolean() })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        let state: Ejection = IN_PLACE
        let now = 0
        let well: number | undefined
        for (const { ms, usable, room } of steps) {
          now += ms
          const before = state
          state = ejectionAt(before, at(now, usable, room))
          well = usable ? (well ?? now) : undefined
          const edge = `${before.is}>${state.is}`
          expect(['in>in', 'in>out', 'out>out', 'out>returning', 'returning>returning', 'returning>out', 'returning>in'])
            .toContain(edge) // prettier-ignore
          if (edge === 'in>out') expect([usable, room]).toEqual([false, true])
          if (edge === 'returning>in') {
            const hold = Math.min(300_000, 1_000 * 2 ** (state.strikes - 1))
            expect(now - (well as number)).toBeGreaterThanOrEqual(hold)
          }
          // One ejection is one period, whatever happens in it.
          if (before.is !== 'in' && state.is !== 'in') expect(state.since).toBe(before.since)
        }
      }),
      { seed: 20260401 },
    )
  })
})
