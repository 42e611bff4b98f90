import { Budget } from './base/budget.ts'
import { CacheError } from './base/errors.ts'
import { Deadlines } from './base/deadlines.ts'
import { Drops } from './base/drops.ts'
import { Events } from './base/events.ts'
import { loadHash, type Hash } from './base/hash.ts'
import { Stamps } from './base/stamps.ts'
import { Cluster } from './cluster/cluster.ts'
import { Ejector } from './cluster/ejector.ts'
import { Cooldown } from './loading/cooldown.ts'
import { Flights } from './loading/flight.ts'
import { Loads } from './loading/loads.ts'
import { Origin } from './loading/origin.ts'
import { Tally } from './loading/tally.ts'
import type { Settings } from './options.ts'
import { Tiers } from './tier/tiers.ts'

/** All rooms of one cache, wired. */
export interface House {
  readonly settings: Settings
  readonly hash: Hash
  readonly events: Events
  readonly deadlines: Deadlines
  readonly drops: Drops
  readonly cluster: Cluster
  readonly tiers: Tiers
  readonly flights: Flights
  readonly origin: Origin
  readonly loads: Loads
  readonly tally: Tally
  /** Rejects calls once the cache is closed, with `ERR_CLOSED`. */
  assertOpen(): void
  close(): Promise<void>
}

/** How many retries a read earns: one for every five, beside this many at once. */
const RETRY_SHARE = 0.2
const RETRY_RESERVE = 1_000

/** Builds a cache from the cellar up, and connects its nodes. */
export async function buildHouse(settings: Settings): Promise<House> {
  const { clock, nodeTimeout, journal, retries, random } = settings
  const hash = await loadHash()
  const events = new Events()
  const deadlines = new Deadlines(clock)
  const drops = new Drops(events, clock)
  const stamps = new Stamps(clock)
  const shared = { clock, deadlines, events, stamps }
  const flights = new Flights()
  const cluster = await Cluster.create(settings.nodes, {
    // What was loaded while a key moved may be older than what was deleted meanwhile.
    changed: () => {
      void tiers.leases.release(flights.fenceAll(), nodeTimeout)
    },
    hash,
    points: settings.points,
    ejector: settings.eject ? new Ejector(clock, stamps, events) : undefined,
    shard: {
      ...shared,
      node: { nodeTimeout, clock },
      zone: settings.zone,
      journal,
      retries,
      budget: new Budget(RETRY_SHARE, RETRY_RESERVE),
      random,
    },
  })
  const { router } = cluster
  const tiers = new Tiers({ router, l1: settings.l1, hash, clock, stamps, drops, nodeTimeout })
  const tally = new Tally(events, clock)
  const { maxConcurrentLoads, maxQueuedLoads, gate } = settings
  const origin = new Origin({ clock, deadlines, tally, maxConcurrentLoads, maxQueuedLoads })
  const cooldown = new Cooldown(clock)
  const loading = { tiers, router, origin, flights, tally, drops, cooldown, gate }
  const loads = new Loads({ ...loading, clock, deadlines, nodeTimeout, random })

  let closing: Promise<void> | undefined
  const close = async (): Promise<void> => {
    const error = new CacheError('ERR_CLOSED', 'the cache was closed')
    origin.close(error)
    // Given back before the connections close: other processes would wait for them.
    void tiers.leases.release(flights.abandon(error), nodeTimeout)
    await cluster.close()
    settings.l1?.clear()
    deadlines.close()
  }
  return {
    settings,
    hash,
    events,
    deadlines,
    drops,
    cluster,
    tiers,
    flights,
    origin,
    loads,
    tally,
    assertOpen() {
      if (closing) throw new CacheError('ERR_CLOSED', 'the cache was closed')
    },
    close: () => (closing ??= close()),
  }
}
