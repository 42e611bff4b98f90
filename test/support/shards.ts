import { Stamps } from '../../src/base/stamps.ts'
import { Budget } from '../../src/base/budget.ts'
import { Deadlines } from '../../src/base/deadlines.ts'
import { Events, type CacheEvents } from '../../src/base/events.ts'
import type { Clock } from '../../src/base/clock.ts'
import type { JournalLimits } from '../../src/shard/journal.ts'
import { Shard, type ShardContext } from '../../src/shard/shard.ts'
import type { FakeServer } from './fake-node.ts'

/** A shard by itself, outside a cache, attached to its ledger, and the journal events it told. */
export interface BareShard {
  readonly shard: Shard
  readonly context: ShardContext
  readonly journal: readonly CacheEvents['journal'][]
}

export function bareShard(
  clock: Clock,
  servers: readonly FakeServer[],
  journal: JournalLimits = { maxKeys: 100, maxBytes: 100_000 },
): BareShard {
  const events = new Events()
  const context: ShardContext = {
    clock,
    deadlines: new Deadlines(clock),
    stamps: new Stamps(clock),
    events,
    node: { nodeTimeout: 250, clock },
    zone: undefined,
    journal,
    budget: new Budget(0.2, 1_000),
    retries: 1,
    random: () => 0,
  }
  const told: CacheEvents['journal'][] = []
  events.on('journal', (event) => told.push(event))
  const [primary, ...replicas] = servers
  const shard = new Shard((primary as FakeServer).node({ replicas }), context)
  shard.ledger.attach(shard.primary)
  return { shard, context, journal: told }
}
