import assert from 'node:assert/strict'
import { atomicCases } from './atomic.ts'
import { beginCases } from './begin.ts'
import { identityCases } from './identity.ts'
import { keyCases } from './keys.ts'
import { lifecycleCases } from './lifecycle.ts'
import { outageCases } from './outage.ts'
import { removeIfCases } from './remove-if.ts'
import { unmet, type ConformanceCase, type ConformanceSetup } from './setup.ts'
import { runTrial, type Draft } from './trial.ts'
import { ttlCases } from './ttl.ts'
import { valueCases } from './values.ts'

const DRAFTS: readonly Draft[] = [
  ...identityCases,
  ...lifecycleCases,
  ...valueCases,
  ...keyCases,
  ...beginCases,
  ...removeIfCases,
  ...atomicCases,
  ...ttlCases,
  ...outageCases,
]

/** The functions of a test runner: those of vitest, jest, mocha and `node:test` all fit. */
export interface TestRunner {
  /** Groups the tests that `body` registers. */
  describe(name: string, body: () => void): unknown
  /** Registers one test. `timeout` is in milliseconds; vitest and jest heed it. */
  it(name: string, run: () => Promise<void>, timeout: number): unknown
}

/** The longest a case may take, in milliseconds: servers that count in seconds need some. */
const CASE_TIMEOUT = 30_000

/**
 * The conformance suite: what every `NodeAdapter` must do, as a list of cases. They depend on no test runner; run
 * each, one after another, or hand them all to yours with {@link describeAdapter}.
 *
 * @example
 * for (const { name, run } of conformanceCases({ open: (context) => new MyAdapter('127.0.0.1:7000', context) })) {
 *   await run()
 *   console.log('ok', name)
 * }
 */
export function conformanceCases(setup: ConformanceSetup): readonly ConformanceCase[] {
  return DRAFTS.map((draft) => {
    const notApplicable = unmet(draft.needs, setup)
    return {
      name: notApplicable === undefined ? draft.name : `not applicable (${notApplicable}): ${draft.name}`,
      notApplicable,
      run: () => (notApplicable === undefined ? runTrial(setup, draft.run) : checkLack(draft, setup)),
    }
  })
}

/**
 * Registers the conformance suite with a test runner: one test per case, all in one `describe`. Cases run one after
 * another; with mocha, allow them some seconds (`--timeout 30000`).
 *
 * @param name the adapter's name, for the report
 * @example
 * import { describe, it } from 'vitest' // or from '@jest/globals', 'mocha', 'node:test'
 * const open = (context) => new MyAdapter('127.0.0.1:7000', context)
 * describeAdapter('MyAdapter', { open, without: ['info'] }, { describe, it })
 */
export function describeAdapter(name: string, setup: ConformanceSetup, { describe, it }: TestRunner): void {
  describe(name, () => {
    for (const each of conformanceCases(setup)) it(each.name, () => each.run(), CASE_TIMEOUT)
  })
}

/** Checks that a setup that says "without" says so rightly. */
function checkLack(draft: Draft, setup: ConformanceSetup): Promise<void> {
  const { needs } = draft
  if (needs !== 'info' && needs !== 'removeIf' && needs !== 'atomic' && needs !== 'value-limit')
    return Promise.resolve()
  return runTrial(setup, ({ adapter }) => {
    if (needs !== 'value-limit') assert.equal(adapter.powers[needs], undefined, `there is ${needs} power after all`)
    else assert.ok(adapter.limits.maxValueBytes > 8 * 2 ** 20, 'limits.maxValueBytes is at most 8 MiB after all')
    return Promise.resolve()
  })
}
