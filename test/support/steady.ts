import { inspect } from 'node:util'
import { beforeAll, beforeEach } from 'vitest'
import type { RunnerTask } from 'vitest'
import { TheftMeter } from '../lab/meters.ts'

/**
 * For all test files (`setupFiles`). Live tests have deadlines of 100 ms and look at what is in time, which says nothing while
 * the machine does not run them: a test that fails although its process was well may be tried again, twice at most, when the
 * machine took time from that very attempt. What no machine excuses is said with {@link neverAny}.
 */

const TRIES_MORE = 2
const meter = new TheftMeter()
const begun = new WeakMap<object, number>()

const NO_EXCUSE = 'however the machine runs there must be no'
/** An attempt that has timed out may still be under way: another one beside it would be no better. */
const UNEXCUSED = new RegExp(`${NO_EXCUSE}|timed out in \\d+ms`)

/**
 * Says that there is nothing of this, counted or listed, and that no machine excuses it: what fails here is not tried again.
 *
 * @example
 * neverAny({ stale: counts.stale, violations: report.violations })
 */
export function neverAny(found: Readonly<Record<string, number | readonly unknown[]>>): void {
  for (const [what, some] of Object.entries(found)) {
    if (typeof some === 'number' ? some > 0 : some.length > 0) throw new Error(`${NO_EXCUSE} ${what}: ${inspect(some)}`)
  }
}

// oxlint-disable-next-line no-empty-pattern -- vitest reads from the pattern which fixtures are wanted
beforeAll(({}, { tasks }) => {
  for (const task of tests(tasks))
    task.retry = { count: TRIES_MORE, condition: ({ message }) => excused(task, message) }
})

beforeEach(({ task }) => void begun.set(task, meter.total()))

function excused(task: RunnerTask, message: string): boolean {
  const stolen = Math.round(meter.total() - (begun.get(task) ?? 0))
  if (stolen === 0 || UNEXCUSED.test(message)) return false
  console.warn(`The machine stood still for ${stolen} ms during "${task.name}", which failed: ${message}`)
  return true
}

function tests(tasks: readonly RunnerTask[]): RunnerTask[] {
  return tasks.flatMap((task) => (task.type === 'suite' ? tests(task.tasks) : [task]))
}
