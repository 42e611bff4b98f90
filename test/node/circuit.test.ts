import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { advance, CLOSED, probeDelay, type Circuit, type Signal } from '../../src/node/circuit.ts'

const SEED = { seed: 20260201 }
const SIGNALS = ['answered', 'missed', 'broke', 'probe', 'probe-answered', 'probe-failed'] as const

const twoMisses: Circuit = { is: 'closed', misses: 2 }
const open: Circuit = { is: 'open', attempt: 4 }
const halfOpen: Circuit = { is: 'half-open', attempt: 4, successes: 0 }
const nearlyClosed: Circuit = { is: 'half-open', attempt: 4, successes: 1 }

describe('every transition', () => {
  it.each<[Circuit, Signal, Circuit]>([
    [CLOSED, 'answered', CLOSED],
    [CLOSED, 'missed', { is: 'closed', misses: 1 }],
    [CLOSED, 'broke', { is: 'open', attempt: 1 }],
    [CLOSED, 'probe', CLOSED],
    [CLOSED, 'probe-answered', CLOSED],
    [CLOSED, 'probe-failed', CLOSED],
    [twoMisses, 'answered', CLOSED],
    [twoMisses, 'missed', { is: 'open', attempt: 1 }],
    [twoMisses, 'broke', { is: 'open', attempt: 1 }],
    [twoMisses, 'probe', twoMisses],
    [twoMisses, 'probe-answered', twoMisses],
    [twoMisses, 'probe-failed', twoMisses],
    [open, 'answered', open],
    [open, 'missed', open],
    [open, 'broke', open],
    [open, 'probe', halfOpen],
    [open, 'probe-answered', open],
    [open, 'probe-failed', open],
    [halfOpen, 'answered', halfOpen],
    [halfOpen, 'missed', halfOpen],
    [halfOpen, 'broke', halfOpen],
    [halfOpen, 'probe', halfOpen],
    [halfOpen, 'probe-answered', nearlyClosed],
    [halfOpen, 'probe-failed', { is: 'open', attempt: 5 }],
    [nearlyClosed, 'answered', nearlyClosed],
    [nearlyClosed, 'missed', nearlyClosed],
    [nearlyClosed, 'broke', nearlyClosed],
    [nearlyClosed, 'probe', nearlyClosed],
    [nearlyClosed, 'probe-answered', CLOSED],
    [nearlyClosed, 'probe-failed', { is: 'open', attempt: 5 }],
  ])('%j, %s: %j', (from, signal, to) => {
    const before = structuredClone(from)
    const after = advance(from, signal)
    expect(after).toEqual(to)
    expect(from).toEqual(before)
    // What does not change is the same object, so that nobody takes it for a change.
    if (JSON.stringify(from) === JSON.stringify(to)) expect(after).toBe(from)
  })
})

describe('any sequence of signals', () => {
  const EDGES = new Set(['closed>open', 'open>half-open', 'half-open>open', 'half-open>closed'])

  it('takes legal edges only; commands move nothing while it is not closed', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...SIGNALS), { maxLength: 60 }), (signals) => {
        let circuit: Circuit = CLOSED
        let misses = 0
        for (const signal of signals) {
          const from = circuit
          circuit = advance(from, signal)
          if (from.is !== circuit.is) expect(EDGES).toContain(`${from.is}>${circuit.is}`)
          if (from.is !== 'closed' && ['answered', 'missed', 'broke'].includes(signal)) expect(circuit).toBe(from)
          misses = from.is !== 'closed' || signal === 'answered' ? 0 : misses + (signal === 'missed' ? 1 : 0)
          if (from.is === 'closed') expect(circuit.is === 'open').toBe(signal === 'broke' || misses === 3)
        }
      }),
      SEED,
    )
  })

  it('closes after two probes in a row that went well, and counts the attempts until then', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 40 }), (probes) => {
        let circuit = advance(CLOSED, 'broke')
        let attempt = 1
        let good = 0
        for (const ok of probes) {
          if (circuit.is === 'open') circuit = advance(circuit, 'probe')
          circuit = advance(circuit, ok ? 'probe-answered' : 'probe-failed')
          good = ok ? good + 1 : 0
          if (good === 2) {
            expect(circuit).toBe(CLOSED)
            return
          }
          if (!ok) expect(circuit).toEqual({ is: 'open', attempt: ++attempt })
        }
      }),
      SEED,
    )
  })
})

describe('the pause before a probe', () => {
  it('is a second, then up to half as long again each time, and half a minute at most', () => {
    expect([0, 0.5, 0.999].map((random) => probeDelay(1, random))).toEqual([1_000, 1_000, 1_000])
    expect([2, 3, 4].map((attempt) => probeDelay(attempt, 0))).toEqual([1_500, 2_250, 3_375])
    expect([10, 100, 10_000].map((attempt) => probeDelay(attempt, 0))).toEqual([30_000, 30_000, 30_000])
  })

  it('leaves up to a fifth of it to chance', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 5_000 }), fc.double({ min: 0, max: 1, maxExcluded: true }), (n, random) => {
        const most = probeDelay(n, 0)
        const ms = probeDelay(n, random)
        expect(ms).toBeLessThanOrEqual(most)
        expect(ms).toBeGreaterThan(most * 0.8 - 1e-9)
        expect(ms).toBeGreaterThan(1_000)
        expect(ms).toBeLessThanOrEqual(30_000)
        expect(most).toBeGreaterThanOrEqual(probeDelay(n - 1, 0))
      }),
      SEED,
    )
  })
})
