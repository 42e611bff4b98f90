/**
 * Whether a server is asked. A circuit counts commands, not callers.
 *
 * - `closed`: it is asked. `misses` commands in a row ran into their deadline.
 * - `open`: it is not asked; `attempt` counts the probes since it was last closed, the one to come included.
 * - `half-open`: a probe is on its way, and `successes` before it went well.
 */
export type Circuit =
  | { readonly is: 'closed'; readonly misses: number }
  | { readonly is: 'open'; readonly attempt: number }
  | { readonly is: 'half-open'; readonly attempt: number; readonly successes: number }

/**
 * What a circuit is told: of a command that it `answered`, that it `missed` its deadline, or that it `broke` (refused,
 * reset, not let in); and of a probe that it begins, went well or did not.
 */
export type Signal = 'answered' | 'missed' | 'broke' | 'probe' | 'probe-answered' | 'probe-failed'

/** A circuit in its best state. */
export const CLOSED: Circuit = { is: 'closed', misses: 0 }

/** How many commands in a row must miss their deadline for the circuit to open. */
export const MISSES_TO_OPEN = 3
/** How many probes in a row must go well for it to close. */
const SUCCESSES_TO_CLOSE = 2
const FIRST_PROBE = 1_000
const PROBE_GROWTH = 1.5
const LAST_PROBE = 30_000
/** How much of a pause between probes is left to chance, so that many processes do not probe in step. */
const JITTER = 0.2

/** The state after a signal. Pure; returns the same object when nothing changes. */
export function advance(circuit: Circuit, signal: Signal): Circuit {
  switch (circuit.is) {
    case 'closed':
      if (signal === 'broke') return { is: 'open', attempt: 1 }
      if (signal === 'answered') return circuit.misses === 0 ? circuit : CLOSED
      if (signal !== 'missed') return circuit
      return circuit.misses + 1 < MISSES_TO_OPEN
        ? { is: 'closed', misses: circuit.misses + 1 }
        : { is: 'open', attempt: 1 }
    case 'open':
      return signal === 'probe' ? { is: 'half-open', attempt: circuit.attempt, successes: 0 } : circuit
    case 'half-open':
      // What commands of before come to says nothing about now.
      if (signal === 'probe-failed') return { is: 'open', attempt: circuit.attempt + 1 }
      if (signal !== 'probe-answered') return circuit
      return circuit.successes + 1 < SUCCESSES_TO_CLOSE ? { ...circuit, successes: circuit.successes + 1 } : CLOSED
  }
}

/**
 * How long an open circuit waits for its next probe, in milliseconds: 1 s, then half as long again each time up to 30 s,
 * less up to a fifth.
 *
 * @param random in [0, 1)
 */
export function probeDelay(attempt: number, random: number): number {
  if (attempt === 1) return FIRST_PROBE
  return Math.min(LAST_PROBE, FIRST_PROBE * PROBE_GROWTH ** (attempt - 1)) * (1 - JITTER * random)
}
