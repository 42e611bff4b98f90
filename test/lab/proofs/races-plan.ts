/** What one process of the races proof is told, and what it tells. */

/** What overtakes the loads; `any` of them by turns. */
export type Change = 'delete' | 'set' | 'expire' | 'any'

/**
 * How long loaders take: some milliseconds; longer than their lease, which is renewed; or so that their process stands still
 * for longer than its lease.
 */
export type Pace = 'quick' | 'slow' | 'still'

/** What is switched off, for a control. `fences` are those of the process, on its flights and on L1. */
export type Off = 'nothing' | 'leases' | 'leases and fences'

export interface RacesRow {
  readonly backend: 'redis' | 'memory'
  /** How many caches share the node: on Redis each in a process of its own, on a memory node all in one. */
  readonly caches: 1 | 4
  readonly change: Change
  readonly pace: Pace
  readonly off: Off
  /** How many changes have to overtake a load that runs. */
  readonly wanted: number
}

/** What the process is told. */
export interface RacerPlan {
  readonly row: RacesRow
  /** Which of the caches are its own. */
  readonly own: readonly number[]
  readonly node: string
  readonly truth: number
  readonly seed: number
}

/** What came of a row, or of one process's share in it. */
export interface RaceCounts {
  /** Acknowledged changes that were made while a load that had read what was before them ran. */
  races: number
  /** All acknowledged changes, and those that were not. */
  changes: number
  unacknowledged: number
  /** Reads and loads through the cache, and how often the loader was called. */
  reads: number
  loads: number
  /** Reads that were rejected. */
  rejected: number
  /** Reads that gave what was older than the last change acknowledged before they began. */
  stale: number
}

export type RacerReport = { readonly ready: true } | { readonly races: number } | { readonly counts: RaceCounts }

export function noCounts(): RaceCounts {
  return {
    races: 0,
    changes: 0,
    unacknowledged: 0,
    reads: 0,
    loads: 0,
    rejected: 0,
    stale: 0,
  }
}

export function addCounts(to: RaceCounts, more: RaceCounts): void {
  for (const name of Object.keys(to) as (keyof RaceCounts)[]) to[name] += more[name]
}
