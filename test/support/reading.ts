import { Budget } from '../../src/base/budget.ts'
import { Deadlines } from '../../src/base/deadlines.ts'
import { Slice } from '../../src/base/slice.ts'
import { NodeError, type ErrorCode } from '../../src/base/errors.ts'
import { Events } from '../../src/base/events.ts'
import { Stamps } from '../../src/base/stamps.ts'
import { Guard } from '../../src/node/guard.ts'
import type { Answers } from '../../src/shard/answers.ts'
import { readInOrder, type ReadingContext } from '../../src/shard/reading.ts'
import { ManualClock } from '../../src/testing/index.ts'
import { FakeServer, type Behaviour } from './fake-node.ts'

export const NODE_TIMEOUT = 200

/** Members of a shard on a clock that stands still, and reads from them in their order. */
export interface Reading {
  readonly clock: ManualClock
  readonly servers: readonly FakeServer[]
  readonly guards: readonly Guard[]
  readonly context: ReadingContext
  read(keys?: readonly string[], ms?: number): Promise<Answers>
  /** How many commands each was asked. */
  asked(): number[]
  readonly failovers: readonly [from: string, to: string, keys: number][]
}

/** So many members, the first of them the primary; each has its own id as the value of `k`. */
export function setUp(members: number, retries: number = 1, tokens: number = 1_000): Reading {
  const clock = new ManualClock()
  const deadlines = new Deadlines(clock)
  const events = new Events()
  const random = (): number => 0.5
  const servers = Array.from({ length: members }, (_, i) => new FakeServer(`s${i}`))
  for (const server of servers) server.store.set('k', { value: Buffer.from(server.id), until: Infinity })
  const guards = servers.map(
    (server) =>
      new Guard('a', server.open, {
        clock,
        deadlines,
        events,
        stamps: new Stamps(clock),
        random,
        node: { nodeTimeout: NODE_TIMEOUT, clock },
      }),
  )
  const failovers: [string, string, number][] = []
  const context: ReadingContext = {
    clock,
    deadlines,
    random,
    retries,
    budget: new Budget(0, tokens),
    primary: guards[0]!,
    failedOver: (from: Guard, to: Guard, keys: number) =>
      failovers.push([from.adapter.address, to.adapter.address, keys]),
  }
  const read = (keys: readonly string[] = ['k'], ms = NODE_TIMEOUT): Promise<Answers> =>
    readInOrder(guards, keys, ms, context)
  const asked = (): number[] => servers.map((server) => server.asked.length)
  return { clock, servers, guards, context, read, asked, failovers }
}

/** Each key fails with this code. */
export const failing =
  (code: ErrorCode): Behaviour =>
  (_, keys) =>
    Promise.resolve(keys.map(() => new NodeError(code, code)))
/** What a read came to: values as text, failures by their codes. */
export const outcomes = (answers: Answers): unknown[] =>
  answers.outcomes.map((outcome) =>
    outcome instanceof Slice ? Buffer.from(outcome.own()).toString() : (outcome?.code ?? undefined),
  )
