import type { Unchecked } from './check.ts'
import { OptionError, quote } from './errors.ts'

/** A length of time: milliseconds as a number, or a number with a unit: `'250ms' | '30s' | '5m' | '1h' | '7d'`. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const PATTERN = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/

/** The longest duration accepted: a hundred years. It keeps every sum of times exact and inside what servers accept. */
export const MAX_DURATION: number = 36_525 * 86_400_000

/**
 * Reads a duration, in milliseconds, at least 1 and finite.
 *
 * A fraction of a millisecond is rounded up, so that a short time never becomes "at once".
 *
 * @param given what the caller gave
 * @param name the option's name, for the error
 * @throws OptionError `ERR_OPTION` when it is not a duration, not positive, infinite or longer than a hundred years
 */
export function parseDuration(given: unknown, name: string): number {
  const ms = typeof given === 'number' ? given : typeof given === 'string' ? fromText(given) : Number.NaN
  if (ms > 0 && ms <= MAX_DURATION) return Math.ceil(ms)
  const shown = quote(given)
  const why =
    ms <= 0
      ? 'must be longer than zero'
      : ms > MAX_DURATION
        ? 'must be finite, and at most a hundred years'
        : "must be milliseconds as a number, or like '250ms', '30s', '5m', '1h', '7d'"
  throw new OptionError('ERR_OPTION', `${name} ${why}; given: ${shown}`)
}

/** The duration that an option gives, or what holds when it is left out. */
export function durationOr<T>(options: Unchecked, name: string, otherwise: T): number | T {
  return options[name] === undefined ? otherwise : parseDuration(options[name], name)
}

function fromText(text: string): number {
  const match = PATTERN.exec(text)
  return match ? Number(match[1]) * (UNITS[match[2] ?? ''] ?? Number.NaN) : Number.NaN
}
