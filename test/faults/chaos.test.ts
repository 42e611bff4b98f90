import { describe, expect, it } from 'vitest'
import { walk } from '../lab/chaos/plan.ts'
import { chaos, held } from '../lab/chaos/run.ts'
import { SHAPE } from '../lab/chaos/world.ts'
import { neverAny } from '../support/steady.ts'

// Walks over faults on real servers, with calls of all kinds all the while: `npm run chaos` runs longer ones.

describe('a walk over faults', () => {
  it('is the same for the same seed, and a longer one begins with the shorter one', () => {
    const long = walk(7, 60_000, SHAPE)
    expect(walk(7, 60_000, SHAPE)).toEqual(long)
    expect(walk(7, 20_000, SHAPE)).toEqual(long.filter(({ at }) => at < 20_000))
    expect(walk(8, 60_000, SHAPE)).not.toEqual(long)
  })

  it('comes to every kind of fault, and several at a time', () => {
    const steps = walk(1, 600_000, SHAPE)
    expect(new Set(steps.map(({ fault }) => fault.kind)).size).toBe(19)
    const together = steps.filter(
      ({ at }) => steps.filter((other) => other.at <= at && other.at + other.ms > at).length > 2,
    )
    expect(together.length).toBeGreaterThan(100)
  })
})

describe('chaos', () => {
  it.each([6, 11, 12])('with seed %i, all invariants hold', async (seed) => {
    const report = await chaos({ seed, ms: 5_000 })
    const { wrong, stale } = report
    neverAny({ 'wrong or stale read': wrong + stale > 0 ? report.violations : [] })
    expect(report.violations).toEqual([])
    expect({ ...report, held: held(report) }).toMatchObject({ held: true, late: 0, wrong: 0, stale: 0, handles: [] })
    // How many there are is a matter of the machine: enough for the oracle to have something to judge.
    expect(report.calls).toBeGreaterThan(500)
    expect(report.hits).toBeGreaterThan(report.reads / 10)
    expect(report.events.circuitsOpened).toBeGreaterThan(0)
    expect(report.events.journaled).toBeGreaterThan(0)
  })

  it('without journal, circuits and fences, the oracle finds stale reads', async () => {
    const report = await chaos({ seed: 6, ms: 5_000, naive: true })
    expect(report.stale).toBeGreaterThan(0)
    expect(report.trace?.join('\n')).toMatch(/: begins\n/)
    expect(report).toMatchObject({ late: 0, wrong: 0, events: { circuitsOpened: 0, journaled: 0, fences: 0 } })
  })
})
