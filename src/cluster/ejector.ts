import type { Clock } from '../base/clock.ts'
import type { Events } from '../base/events.ts'
import type { Shard } from '../shard/shard.ts'
import { ejectionAt, IN_PLACE, type Ejection } from './ejection.ts'
import type { Topology } from './topology.ts'

/** Where a key goes while its owner is ejected. */
export interface Detour {
  readonly shard: Shard
  /** Since when (wall clock): older entries there are of an earlier time. */
  readonly since: number
}

/**
 * Decides whose keys go to the next node on the ring, when asked: there is no timer. The ring itself stays as it is, so
 * that nothing else moves.
 */
export class Ejector {
  readonly #clock: Clock
  readonly #events: Events
  #states = new Map<string, Ejection>()

  constructor(clock: Clock, events: Events) {
    this.#clock = clock
    this.#events = events
  }

  /** Where a key of `owner` goes; `undefined` when it goes to its owner. */
  detour(topology: Topology, owner: Shard, key: string): Detour | undefined {
    const state = this.#state(topology, owner)
    if (state.is === 'in') return undefined
    const { ring, shards } = topology
    for (const id of ring.locateMany(key, ring.ids.length)) {
      const shard = shards[ring.ids.indexOf(id)] as Shard
      if (shard !== owner && shard.primary.usable && this.#state(topology, shard).is === 'in') {
        return { shard, since: state.since }
      }
    }
    return undefined
  }

  /** Whether a node is out of its place now. */
  isOut(id: string): boolean {
    return (this.#states.get(id) ?? IN_PLACE).is !== 'in'
  }

  /** Forgets nodes that are in no topology any more. */
  keep(ids: readonly string[]): void {
    this.#states = new Map(ids.flatMap((id) => (this.#states.has(id) ? [[id, this.#states.get(id) as Ejection]] : [])))
  }

  #state(topology: Topology, { id, primary }: Shard): Ejection {
    const before = this.#states.get(id) ?? IN_PLACE
    const { usable } = primary
    if (before.is === 'in' && usable) return before
    const out = [...this.#states.values()].filter((state) => state.is !== 'in').length
    const room = (out + 1) * 2 <= topology.shards.length
    const now = this.#clock.now()
    const after = ejectionAt(before, { usable, room, now, monotonic: this.#clock.monotonic() })
    if (after === before) return before
    this.#states.set(id, after)
    if ((before.is === 'in') !== (after.is === 'in') && this.#events.wanted('eject')) {
      this.#events.emit({ type: 'eject', node: id, status: after.is === 'in' ? 'in' : 'out', at: now })
    }
    return after
  }
}
