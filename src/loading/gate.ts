import { OptionError, quote } from '../base/errors.ts'

/** Knows which keys cannot exist, so that nobody is asked for them. */
export interface Gate {
  /**
   * `false` only when there is certainly nothing at this key; whoever is in doubt says `true`. It is asked on every load, so
   * it answers at once, from memory. What it throws, the call that asked rejects with.
   *
   * @param key the key with its space's prefix (`'user:1'`), without the namespace
   */
  mayExist(key: string): boolean
}

/**
 * Refuses what is not a gate.
 *
 * @throws OptionError `ERR_OPTION`
 */
export function checkGate(given: unknown): Gate | undefined {
  if (given === undefined) return undefined
  if (typeof given === 'object' && given !== null) {
    if ('mayExist' in given && typeof given.mayExist === 'function') return given as Gate
    if (given instanceof Promise) {
      throw new OptionError('ERR_OPTION', 'gate must be a gate; given: a promise of one; await it first')
    }
  }
  throw new OptionError('ERR_OPTION', `gate must be an object with a function mayExist; given: ${quote(given)}`)
}
