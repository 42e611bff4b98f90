import type { Patience } from './base/caller.ts'
import { checkFlag, checkOptions, type Unchecked } from './base/check.ts'
import { durationOr } from './base/duration.ts'
import { OptionError, quote } from './base/errors.ts'
import { LOAD_POLICY } from './loading/policy.ts'

/** The options that each kind of call takes. */
export const CALL: readonly string[] = ['signal', 'timeout']
export const READ: readonly string[] = [...CALL, 'reads', 'l1']
export const WRITE: readonly string[] = [...CALL, 'ttl', 'l1']
export const LOAD: readonly string[] = [...READ, ...LOAD_POLICY, 'cache']

/** What a call without options is taken to have been given: always this object. */
export const NONE: Unchecked = {}
/** The patience of such a call. */
export const PATIENT: Patience = { signal: undefined, timeout: undefined }

/** @throws OptionError `ERR_OPTION` */
export function callOptions(given: unknown, name: string, known: readonly string[]): Unchecked {
  return given === undefined ? NONE : checkOptions(given, name, known)
}

/**
 * How long a caller waits.
 *
 * @throws OptionError `ERR_OPTION`; the signal's reason when it is aborted already
 */
export function patienceOf(options: Unchecked): Patience {
  if (options === NONE) return PATIENT
  const signal = options['signal'] as AbortSignal | undefined
  if (signal !== undefined && !(typeof signal.aborted === 'boolean' && typeof signal.addEventListener === 'function')) {
    throw new OptionError('ERR_OPTION', `signal must be an AbortSignal; given: ${quote(signal)}`)
  }
  signal?.throwIfAborted()
  const timeout = durationOr(options, 'timeout', undefined)
  return signal === undefined && timeout === undefined ? PATIENT : { signal, timeout }
}

/** Whether L1 takes part in a call. */
export function useL1(options: Unchecked): boolean {
  return options['l1'] === undefined || checkFlag(options['l1'], 'l1')
}
