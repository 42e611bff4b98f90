/** What one process of the stampede proof is told, and what it tells. */

export interface StampedePlan {
  readonly processes: number
  /** Of each process, all at once. */
  readonly callers: number
  /** How long the lease holds, and how long the loader takes, in milliseconds. */
  readonly lease: number
  readonly load: number
  /** Kills the process that loads, in its loader. */
  readonly kills: boolean
  /** Switches the leases off, for a control. */
  readonly naive: boolean
}

/** What came of the callers of one process that was not killed. */
export interface StampedeAnswers {
  readonly answered: number
  /** Callers that were rejected, or got something else. */
  readonly wrong: number
  /** How long the last of them waited, in milliseconds, and for how long of that the process stood still. */
  readonly slowest: number
  readonly stalled: number
}

export type StampedeReport =
  { readonly ready: true } | { readonly loading: true } | { readonly answers: StampedeAnswers }

export interface StampedeResult extends StampedeAnswers {
  /** Loader calls, in all processes. */
  readonly loads: number
  /**
   * By how much the process that was last with its answers was over its time, in milliseconds; negative when it was in time:
   * that of the load, of the lease of one who died, and of a pause between two looks for either.
   */
  readonly over: number
}
