import { Stamps } from '../../src/base/stamps.ts'
import { Deadlines } from '../../src/base/deadlines.ts'
import { Events, type CacheEvents, type NodeErrorEvent } from '../../src/base/events.ts'
import type { NodeAdapter } from '../../src/node/contract.ts'
import { Guard } from '../../src/node/guard.ts'
import type { NodeContext } from '../../src/node/spec.ts'
import { ManualClock } from '../../src/testing/index.ts'
import { FakeServer } from './fake-node.ts'

/** The node time-out of a {@link setUpGuard} guard, in milliseconds. */
export const DEADLINE = 250

/** An entry to write. */
export const item = (key: string): { key: string; value: Buffer; ttl: number } => ({
  key,
  value: Buffer.from('1'),
  ttl: 60_000,
})

/** A guard before a fake server, on a clock that stands still, and the node errors it told. */
export interface Guarded {
  readonly clock: ManualClock
  readonly server: FakeServer
  readonly guard: Guard
  readonly errors: readonly NodeErrorEvent[]
  readonly circuits: readonly CacheEvents['circuit'][]
  readonly fences: readonly CacheEvents['fence'][]
}

/** @param change what the adapter does otherwise than a good one */
export function setUpGuard(change: (adapter: NodeAdapter) => Partial<NodeAdapter> = () => ({})): Guarded {
  const clock = new ManualClock()
  const deadlines = new Deadlines(clock)
  const events = new Events()
  const server = new FakeServer()
  const node = { nodeTimeout: DEADLINE, clock }
  const open = (context: NodeContext): NodeAdapter => {
    const adapter = server.open(context)
    return Object.assign(adapter, change(adapter))
  }
  const guard = new Guard('a', open, { clock, deadlines, events, stamps: new Stamps(clock), node, random: () => 0.5 })
  const errors: NodeErrorEvent[] = []
  events.on('node-error', (event) => errors.push(event))
  const circuits: CacheEvents['circuit'][] = []
  events.on('circuit', (event) => circuits.push(event))
  const fences: CacheEvents['fence'][] = []
  events.on('fence', (event) => fences.push(event))
  return { clock, server, guard, errors, circuits, fences }
}
