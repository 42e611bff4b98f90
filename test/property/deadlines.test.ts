import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Deadline } from '../../src/base/deadlines.ts'
import { Deadlines } from '../../src/base/deadlines.ts'
import { ManualClock } from '../../src/testing/index.ts'

type Step = { set: number } | { cancel: number } | { advance: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ set: fc.oneof(fc.constantFrom(10, 20, 50), fc.integer({ min: 0, max: 100 })) }) },
  { weight: 2, arbitrary: fc.record({ cancel: fc.nat(100) }) },
  { weight: 2, arbitrary: fc.record({ advance: fc.integer({ min: 0, max: 60 }) }) },
)

/** The plain way: look at every deadline at every millisecond. */
function naive(steps: readonly Step[]): string[] {
  const log: string[] = []
  let running: { id: number; at: number }[] = []
  let ids = 0
  let now = 0
  for (const each of steps) {
    if ('set' in each) running.push({ id: ids++, at: Math.max(now + 1, now + each.set) })
    else if ('cancel' in each) running = running.filter((deadline) => deadline.id !== each.cancel % Math.max(1, ids))
    else {
      for (const end = now + each.advance; now < end;) {
        now++
        const moment = now
        for (const { id } of running.filter((deadline) => deadline.at === moment)) log.push(`${id}@${now}`)
        running = running.filter((deadline) => deadline.at !== moment)
      }
    }
    log.push(`${running.length} run`)
  }
  return log
}

async function real(steps: readonly Step[]): Promise<string[]> {
  const log: string[] = []
  const clock = new ManualClock()
  const deadlines = new Deadlines(clock)
  const set: Deadline[] = []
  for (const each of steps) {
    if ('set' in each) {
      const id = set.length
      // A deadline of 0 runs at the timer's next chance, a millisecond later; so does one of 1.
      set.push(deadlines.set(Math.max(1, each.set), () => log.push(`${id}@${clock.monotonic()}`)))
    } else if ('cancel' in each) set[each.cancel % Math.max(1, set.length)]?.cancel()
    else {
      for (let ms = 0; ms < each.advance; ms++) {
        let called = log.length
        clock.advance(1)
        // Of many that pass together, the others follow in further turns of the event loop.
        while (log.length > called) {
          called = log.length
          await new Promise(setImmediate)
        }
      }
    }
    log.push(`${deadlines.size} run`)
    expect(clock.pending).toBeLessThanOrEqual(1)
    expect(clock.referenced).toBe(deadlines.size > 0 ? 1 : 0)
  }
  return log
}

it('deadlines behave as a naive list of them does', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      expect(order(await real(steps))).toEqual(order(naive(steps)))
    }),
    { seed: 20260101, numRuns: 500 },
  )
})

/** Of those that fall due in one millisecond, the order over different durations is left open. */
function order(log: readonly string[]): string[] {
  const sorted = [...log]
  for (let start = 0; start < sorted.length;) {
    let end = start
    const moment = (line: string | undefined): string | undefined => line?.split('@')[1]
    while (moment(sorted[end + 1]) !== undefined && moment(sorted[end + 1]) === moment(sorted[start])) end++
    sorted.splice(start, end - start + 1, ...sorted.slice(start, end + 1).sort())
    start = end + 1
  }
  return sorted
}
