import { OptionError, quote } from './errors.ts'

/** An object of options whose names have been checked and whose values have not. */
export type Unchecked = Readonly<Record<string, unknown>>

/**
 * Refuses what is not a plain object of known options, so that a misspelt option is an error and not a surprise.
 *
 * @throws OptionError `ERR_OPTION`, naming the unknown option and the known ones
 */
export function checkOptions(given: unknown, name: string, known: readonly string[]): Unchecked {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new OptionError('ERR_OPTION', `${name} must be an object; given: ${quote(given)}`)
  }
  for (const key of Object.keys(given)) {
    if (!known.includes(key)) {
      throw new OptionError('ERR_OPTION', `${name} has no option ${quote(key)}; known: ${known.join(', ')}`)
    }
  }
  return given as Unchecked
}

/** Refuses what is not a whole number of at least `least`. */
export function checkCount(given: unknown, name: string, least = 1): number {
  if (typeof given === 'number' && Number.isSafeInteger(given) && given >= least) return given
  throw new OptionError('ERR_OPTION', `${name} must be a whole number of at least ${least}; given: ${quote(given)}`)
}

/** Refuses what is not a function. */
export function checkFunction(given: unknown, name: string): (...args: never[]) => unknown {
  if (typeof given === 'function') return given as (...args: never[]) => unknown
  throw new OptionError('ERR_OPTION', `${name} must be a function; given: ${quote(given)}`)
}

/** Refuses what is not one of the strings listed. */
export function checkOneOf<const T extends string>(given: unknown, name: string, allowed: readonly T[]): T {
  if (allowed.includes(given as T)) return given as T
  throw new OptionError('ERR_OPTION', `${name} must be one of ${allowed.join(', ')}; given: ${quote(given)}`)
}

/** Refuses what is not a non-empty string without control characters. */
export function checkText(given: unknown, name: string): string {
  if (typeof given === 'string' && given.length > 0 && given.isWellFormed() && !/\p{Cc}/u.test(given)) return given
  throw new OptionError(
    'ERR_OPTION',
    `${name} must be a non-empty string without control characters; given: ${quote(given)}`,
  )
}

/** Refuses what is not a boolean. */
export function checkFlag(given: unknown, name: string): boolean {
  if (typeof given === 'boolean') return given
  throw new OptionError('ERR_OPTION', `${name} must be true or false; given: ${quote(given)}`)
}

/** Refuses what is not a list of any kind. A string is one to the language, of its characters, and never meant as one. */
export function checkIterable(given: unknown, name: string): Iterable<unknown> {
  if (typeof given === 'object' && given !== null && Symbol.iterator in given) return given as Iterable<unknown>
  throw new OptionError('ERR_OPTION', `${name} must be an array or another iterable; given: ${quote(given)}`)
}
