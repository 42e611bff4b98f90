import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { NodeError } from '../../src/base/errors.ts'
import { Breaker } from '../../src/node/breaker.ts'
import { ManualClock } from '../../src/testing/index.ts'
import { gate, type Gate } from '../support/fake-node.ts'

const down = new NodeError('ERR_NODE_DOWN', 'down')
const slow = new NodeError('ERR_NODE_TIMEOUT', 'slow')

/** @param well how each probe goes; one that is a promise is waited for */
function setUp(well: () => boolean | Promise<boolean> = () => false, random = 0) {
  const clock = new ManualClock()
  const changes: string[] = []
  const probes: number[] = []
  const under = { way: 0, most: 0 }
  const breaker = new Breaker({
    clock,
    random: () => random,
    probe: async () => {
      probes.push(clock.monotonic())
      under.most = Math.max(under.most, ++under.way)
      try {
        return (await well()) ? undefined : down
      } finally {
        under.way--
      }
    },
    changed: (from, to) => changes.push(`${from}>${to}`),
  })
  return { clock, breaker, changes, probes, under }
}

describe('it opens', () => {
  it('at once when the server cannot be had', () => {
    const { breaker, changes } = setUp()
    breaker.failed('broke', down)
    expect([breaker.state, breaker.closed, breaker.cause, changes]).toEqual(['open', false, down, ['closed>open']])
  })

  it('at the third miss in a row, and not before', () => {
    const { breaker, changes } = setUp()
    breaker.failed('missed', slow)
    breaker.failed('missed', slow)
    breaker.answered()
    breaker.failed('missed', slow)
    breaker.failed('missed', slow)
    expect(breaker.closed).toBe(true)
    breaker.failed('missed', slow)
    expect([breaker.state, breaker.cause, changes]).toEqual(['open', slow, ['closed>open']])
  })

  it('and keeps why, whatever commands of before come to', () => {
    const { breaker } = setUp()
    breaker.failed('broke', down)
    breaker.failed('missed', slow)
    breaker.answered()
    expect([breaker.state, breaker.cause]).toEqual(['open', down])
  })
})

describe('it probes', () => {
  it('after a second, then ever more rarely, up to every half minute', async () => {
    const { clock, breaker, probes } = setUp()
    breaker.failed('broke', down)
    await clock.advanceAsync(999)
    expect(probes).toEqual([])
    await clock.advanceAsync(300_000)
    const pauses = probes.map((at, i) => at - (probes[i - 1] ?? 0))
    expect(pauses.slice(0, 5)).toEqual([1_000, 1_500, 2_250, 3_375, 5_063])
    expect(pauses.slice(9)).toEqual(pauses.slice(9).map(() => 30_000))
    expect(pauses.length).toBeGreaterThan(12)
  })

  it('earlier by up to a fifth, as chance will have it', async () => {
    const { clock, breaker, probes } = setUp(undefined, 0.5)
    breaker.failed('broke', down)
    await clock.advanceAsync(10_000)
    expect(probes.slice(0, 3)).toEqual([1_000, 1_000 + 1_350, 1_000 + 1_350 + 2_025])
  })

  it('twice in a row before it closes, and then leaves no timer behind', async () => {
    const { clock, breaker, changes, probes } = setUp(() => true)
    breaker.failed('broke', down)
    await clock.advanceAsync(1_000)
    expect(probes).toEqual([1_000, 1_000])
    expect(changes).toEqual(['closed>open', 'open>half-open', 'half-open>closed'])
    expect([breaker.closed, clock.pending]).toEqual([true, 0])
  })

  it('from the beginning when it opens again', async () => {
    const { clock, breaker, probes } = setUp(() => probes.length > 2)
    breaker.failed('broke', down)
    await clock.advanceAsync(20_000)
    expect(breaker.closed).toBe(true)
    probes.length = 0
    const again = clock.monotonic()
    breaker.failed('broke', down)
    await clock.advanceAsync(3_000)
    expect(probes.map((at) => at - again)).toEqual([1_000, 2_500])
  })

  it('goes on after one good probe and a bad one, without closing', async () => {
    const results = [true, false, true, true]
    const { clock, breaker, changes } = setUp(() => results.shift() ?? false)
    breaker.failed('broke', down)
    await clock.advanceAsync(1_000)
    expect(breaker.state).toBe('open')
    await clock.advanceAsync(1_500)
    expect(changes).toEqual(['closed>open', 'open>half-open', 'half-open>open', 'open>half-open', 'half-open>closed'])
  })

  it('on timers that keep no process alive', async () => {
    const { clock, breaker } = setUp()
    breaker.failed('broke', down)
    expect([clock.pending, clock.referenced]).toEqual([1, 0])
    await clock.advanceAsync(60_000)
    expect([clock.pending, clock.referenced]).toEqual([1, 0])
  })

  it('one at a time, however long it takes and whatever commands come to', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('good', 'bad', 'broke', 'missed', 'answered', 'wait', 'tick'), { maxLength: 60 }),
        async (steps) => {
          const waiting: Gate<boolean>[] = []
          const { clock, breaker, under } = setUp(() => {
            const one = gate<boolean>()
            waiting.push(one)
            return one.promise
          })
          for (const step of steps) {
            if (step === 'good' || step === 'bad') waiting.shift()?.open(step === 'good')
            else if (step === 'broke' || step === 'missed') breaker.failed(step, down)
            else if (step === 'answered') breaker.answered()
            await clock.advanceAsync(step === 'wait' ? 30_000 : step === 'tick' ? 700 : 0)
            expect(under.most).toBeLessThanOrEqual(1)
            expect(clock.pending).toBe(breaker.state === 'open' ? 1 : 0)
            expect(under.way).toBe(breaker.state === 'half-open' ? 1 : 0)
          }
        },
      ),
      { seed: 20260202, numRuns: 60 },
    )
  })
})

describe('stop', () => {
  it('ends the wait for the next probe', async () => {
    const { clock, breaker, probes } = setUp()
    breaker.failed('broke', down)
    breaker.stop()
    expect(clock.pending).toBe(0)
    await clock.advanceAsync(60_000)
    expect(probes).toEqual([])
  })

  it('during a probe: none follows, whatever comes of it', async () => {
    for (const result of [true, false]) {
      const probe = gate<boolean>()
      const { clock, breaker, probes, changes } = setUp(() => probe.promise)
      breaker.failed('broke', down)
      await clock.advanceAsync(1_000)
      breaker.stop()
      probe.open(result)
      await clock.advanceAsync(60_000)
      expect([probes.length, clock.pending]).toEqual([1, 0])
      expect(changes).toEqual(['closed>open', 'open>half-open'])
    }
  })

  it('of one that is closed: what its server says on its way out is no change', async () => {
    const { clock, breaker, changes } = setUp()
    breaker.stop()
    breaker.failed('broke', down)
    await clock.advanceAsync(60_000)
    expect([breaker.state, changes, clock.pending]).toEqual(['closed', [], 0])
  })
})
