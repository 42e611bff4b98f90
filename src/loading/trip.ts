import { LoadError, quote } from '../base/errors.ts'
import { encodePayload, roundTrip, type Form, type Revived } from '../entry/form.ts'
import type { Payload } from '../entry/payload.ts'

/** A loaded value that has been through the codec. */
export interface Tripped {
  readonly value: unknown
  readonly payload: Payload
}

/**
 * A loaded value as the codec and the schema would give it back, so that a hit and a miss look alike. A promise only where
 * the schema is asynchronous.
 *
 * @param name the key, for messages
 * @throws ValueError `ERR_VALUE`; LoadError `ERR_LOADER_RESULT`
 */
export function trip(raw: unknown, name: string, form: Form): Tripped | Promise<Tripped> {
  const payload = encodePayload(form, raw, name)
  const revived = roundTrip(form, raw, payload)
  return revived instanceof Promise ? revived.then((one) => accept(one, payload, name)) : accept(revived, payload, name)
}

function accept(revived: Revived, payload: Payload, name: string): Tripped {
  if (revived.status === 'value') return { value: revived.value, payload }
  const why = revived.status === 'schema' ? `does not fit the schema: ${revived.problem}` : 'cannot be decoded again'
  throw new LoadError('ERR_LOADER_RESULT', `what was loaded for ${quote(name)} ${why}`)
}
