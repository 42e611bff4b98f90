import type { Clock } from '../base/clock.ts'
import type { Stamps } from '../base/stamps.ts'
import type { Events } from '../base/events.ts'
import type { Shard } from '../shard/shard.ts'
import { ejectionAt, IN_PLACE, type Ejection } from './ejection.ts'
import type { Topology } from './topology.ts'

/** Where a key goes while its owner is ejected. */
export interface Detour {
  readonly shard: Shard
  /** Since when without a break (wall clock): older entries there may have missed what was written or deleted elsewhere. */
  readonly since: number
}

/**
 * Decides whose keys go to the next node on the ring, when asked: there is no timer. The ring itself stays as it is, so
 * that nothing else moves.
 */
export class Ejector {
  readonly #clock: Clock
  readonly #stamps: Stamps
  readonly #events: Events
  #states = new Map<string, Ejection>()
  /** When each node was last passed over that would have stood in for another one (wall clock). */
  #passedOver = new Map<string, number>()

  constructor(clock: Clock, stamps: Stamps, events: Events) {
    this.#clock = clock
    this.#stamps = stamps
    this.#events = events
  }

  /** Where a key of `owner` goes; `undefined` when it goes to its owner. */
  detour(topology: Topology, owner: Shard, key: string): Detour | undefined {
    const state = this.#state(topology, owner)
    if (state.is === 'in') return undefined
    const { ring, shards } = topology
    for (const id of ring.locateMany(key, ring.ids.length)) {
      const shard = shards[ring.ids.indexOf(id)] as Shard
      if (shard === owner) continue
      if (shard.primary.usable && this.#state(topology, shard).is === 'in') {
        return { shard, since: Math.max(state.since, this.#passedOver.get(id) ?? 0) }
      }
      this.#passedOver.set(id, this.#stamps.now())
    }
    return undefined
  }

  /** Whether a node is out of its place now. */
  isOut(id: string): boolean {
    return (this.#states.get(id) ?? IN_PLACE).is !== 'in'
  }

  /** The nodes are these from now on. Keys on their way round may go to others than before: what lies there begins anew. */
  keep(ids: readonly string[]): void {
    const since = this.#stamps.fence()
    const kept = [...this.#states].filter(([id]) => ids.includes(id))
    this.#states = new Map(kept.map(([id, state]) => [id, state.is === 'in' ? state : { ...state, since }]))
    this.#passedOver = new Map()
  }

  #state(topology: Topology, { id, primary }: Shard): Ejection {
    const before = this.#states.get(id) ?? IN_PLACE
    const { usable } = primary
    if (before.is === 'in' && usable) return before
    const out = [...this.#states.values()].filter((state) => state.is !== 'in').length
    const room = (out + 1) * 2 <= topology.shards.length
    const now = this.#stamps.now()
    const after = ejectionAt(before, { usable, room, now, monotonic: this.#clock.monotonic() })
    if (after === before) return before
    this.#states.set(id, after)
    // What is written from now on is after it.
    if (before.is === 'in') this.#stamps.fence()
    if ((before.is === 'in') !== (after.is === 'in') && this.#events.wanted('eject')) {
      this.#events.emit({ type: 'eject', node: id, status: after.is === 'in' ? 'in' : 'out', at: now })
    }
    return after
  }
}
