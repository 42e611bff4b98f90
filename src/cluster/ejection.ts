/**
 * Whether a node's keys are served by the next one on the ring: `in` its place, `out` of it since a moment (wall clock), or
 * `returning`: it can be asked again, and comes back at `at` (monotonic) if it stays so. `strikes` counts how often it went
 * out of late, `last` is when it came back (monotonic).
 */
export type Ejection =
  | { readonly is: 'in'; readonly strikes: number; readonly last: number }
  | { readonly is: 'out'; readonly since: number; readonly strikes: number }
  | { readonly is: 'returning'; readonly since: number; readonly strikes: number; readonly at: number }

/** A node that was never ejected. */
export const IN_PLACE: Ejection = { is: 'in', strikes: 0, last: -Infinity }

/** How long a node must be well before it comes back, in milliseconds: doubled each time it goes out again. */
const FIRST_HOLD = 1_000
const LAST_HOLD = 300_000
/** How long it must stay in its place for its strikes to be forgotten. */
const FORGIVEN = 600_000

/** The moment a decision is made. */
export interface EjectionMoment {
  /** Whether the node's primary is asked. */
  readonly usable: boolean
  /** Whether one more node may be ejected. */
  readonly room: boolean
  readonly now: number
  readonly monotonic: number
}

/** The next state. Pure; the same object when nothing changes. */
export function ejectionAt(ejection: Ejection, { usable, room, now, monotonic }: EjectionMoment): Ejection {
  switch (ejection.is) {
    case 'in': {
      if (usable || !room) return ejection
      const strikes = monotonic - ejection.last > FORGIVEN ? 1 : ejection.strikes + 1
      return { is: 'out', since: now, strikes }
    }
    case 'out': {
      if (!usable) return ejection
      const hold = Math.min(LAST_HOLD, FIRST_HOLD * 2 ** (ejection.strikes - 1))
      return { ...ejection, is: 'returning', at: monotonic + hold }
    }
    case 'returning':
      if (!usable) return { is: 'out', since: ejection.since, strikes: ejection.strikes }
      return monotonic < ejection.at ? ejection : { is: 'in', strikes: ejection.strikes, last: monotonic }
  }
}
