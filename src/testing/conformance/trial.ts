import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import { isCacheError } from '../../base/errors.ts'
import { systemClock } from '../../base/clock.ts'
import type { NodeAdapter, NodeIdentity, WriteItem } from '../../node/contract.ts'
import type { NodeContext } from '../../node/spec.ts'
import type { ConformanceSetup, Need } from './setup.ts'

/** One case before it is bound to a setup. */
export interface Draft {
  name: string
  needs?: Need
  run(trial: Trial): Promise<void>
}

/** What a case works with. */
export interface Trial {
  setup: ConformanceSetup
  /** Connected. */
  adapter: NodeAdapter
  identity: NodeIdentity
  /** Another adapter to the same server, not yet connected; closed when the case ends. */
  open(identified?: NodeContext['identified']): Promise<NodeAdapter>
  /** A key that no other run uses. */
  key(name: string): string
  /** A small value that no other key has. */
  value(): Buffer
}

/** What an adapter is opened with. */
export const trialContext: NodeContext = { nodeTimeout: 1_000, clock: systemClock, identified: () => {} }

/** How long what the suite writes lives, unless a case is about that. */
export const TTL = 60_000

/** How long a promise may take, in milliseconds, before the suite says that it never settles. */
const SETTLE_BOUND = 4_000

/** How long a condition may take to come about, in milliseconds: an adapter may wait before it connects again. */
const COME_ABOUT_BOUND = 6_000

/** Runs a case on a fresh adapter and closes what it opened, whatever happens. */
export async function runTrial(setup: ConformanceSetup, run: (trial: Trial) => Promise<void>): Promise<void> {
  const opened: NodeAdapter[] = []
  const open: Trial['open'] = async (identified = trialContext.identified) => {
    const adapter = await setup.open({ ...trialContext, identified })
    opened.push(adapter)
    return adapter
  }
  const prefix = `conformance:${randomBytes(6).toString('hex')}:`
  try {
    const adapter = await open()
    const identity = await settles(adapter.connect(), 'connect()')
    await run({ setup, adapter, identity, open, key: (name) => prefix + name, value: secret })
  } finally {
    for (const adapter of opened) await settles(adapter.close(), 'close()')
  }
}

/** Waits for a promise, and fails when it does not settle. */
export async function settles<T>(work: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new assert.AssertionError({ message: `${what} did not settle` })), SETTLE_BOUND)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Waits until a condition holds, and fails when it never does. */
export async function eventually(
  condition: () => Promise<boolean>,
  what: string,
  bound: number = COME_ABOUT_BOUND,
): Promise<void> {
  const end = performance.now() + bound
  while (!(await settles(condition(), what))) {
    assert.ok(performance.now() < end, `waited ${bound} ms, but it never came about: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** Writes one entry, which must be stored. */
export async function store(adapter: NodeAdapter, key: string, value: Uint8Array, ttl: number = TTL): Promise<void> {
  const outcomes = await settles(adapter.write([{ key, value, ttl }]), 'write()')
  assert.deepEqual(outcomes, ['stored'], `writing ${value.length} bytes under ${JSON.stringify(key)}`)
}

/** Writes entries, all of which must be stored. */
export async function storeAll(adapter: NodeAdapter, items: readonly WriteItem[]): Promise<void> {
  const outcomes = await settles(adapter.write(items), 'write()')
  assert.deepEqual(
    outcomes,
    items.map(() => 'stored'),
  )
}

/** Reads one key. */
export async function fetch(adapter: NodeAdapter, key: string): Promise<unknown> {
  const outcomes = await settles(adapter.read([key]), 'read()')
  assert.equal(outcomes.length, 1, 'read() of one key must give one outcome')
  return outcomes[0]
}

/** Checks that an outcome is these bytes; says where they differ, and never prints them. */
export function assertBytes(outcome: unknown, expected: Uint8Array, what: string): void {
  assert.ok(outcome instanceof Uint8Array, `${what}: expected ${expected.length} bytes, got ${inspect(outcome)}`)
  assert.equal(outcome.length, expected.length, `${what}: the length of the value`)
  const at = expected.findIndex((byte, index) => outcome[index] !== byte)
  assert.equal(at, -1, `${what}: the value differs from byte ${at} on`)
}

/** Checks that an outcome is a well-made `NodeError` that does not tell the value. */
export function assertNodeError(outcome: unknown, what: string, value?: Uint8Array): void {
  assert.ok(outcome instanceof Error, `${what}: expected a NodeError, got ${inspect(outcome)}`)
  assert.ok(isCacheError(outcome) && outcome.name === 'NodeError', `${what}: expected a NodeError, got ${outcome.name}`)
  assert.match(outcome.code, /^ERR_[A-Z_]+$/, `${what}: the error's code`)
  assert.notEqual(outcome.message, '', `${what}: the error's message`)
  if (value === undefined) return
  const told = inspect(outcome, { depth: 8, showHidden: true, maxStringLength: null, maxArrayLength: null })
  const text = Buffer.from(value.subarray(0, 24))
  assert.ok(!told.includes(text.toString('latin1')), `${what}: the error tells the value`)
  assert.ok(!told.includes(inspect(text).slice(8, 60)), `${what}: the error holds the value`)
}

/** Checks that each outcome is a `NodeError`, one per key. */
export function assertAllNodeErrors(
  outcomes: readonly unknown[],
  count: number,
  what: string,
  value?: Uint8Array,
): void {
  assert.equal(outcomes.length, count, `${what}: one outcome per key`)
  for (const outcome of outcomes) assertNodeError(outcome, what, value)
}

/** Twenty-four letters that are nowhere else, so that a value that leaks into an error is found. */
export function secret(): Buffer {
  return Buffer.from(randomBytes(12).toString('hex'))
}
