import { LoadError, quote } from '../base/errors.ts'
import { encodeJson, encodeValue, jsonCodec } from '../entry/codec.ts'
import { roundTrip, type Form, type Revived } from '../entry/form.ts'

/** A loaded value that has been through the codec. */
export class Tripped {
  readonly value: unknown
  readonly #encoded: Uint8Array | string

  /** @param encoded the codec's bytes, or the text that they stand for in UTF-8 */
  constructor(value: unknown, encoded: Uint8Array | string) {
    this.value = value
    this.#encoded = encoded
  }

  /** The codec's bytes. Text becomes bytes here: what nobody writes needs none. */
  payload(): Uint8Array {
    const encoded = this.#encoded
    return typeof encoded === 'string' ? Buffer.from(encoded) : encoded
  }
}

/**
 * A loaded value as the codec and the schema would give it back, so that a hit and a miss look alike. A promise only where
 * the schema is asynchronous.
 *
 * @param name the key, for messages
 * @throws ValueError `ERR_VALUE`; LoadError `ERR_LOADER_RESULT`
 */
export function trip(raw: unknown, name: string, form: Form): Tripped | Promise<Tripped> {
  if (form.codec === jsonCodec && form.schema === undefined) {
    const text = encodeJson(raw, name)
    return new Tripped(JSON.parse(text), text)
  }
  const payload = encodeValue(form.codec, raw, name)
  const revived = roundTrip(form, raw, payload)
  return revived instanceof Promise ? revived.then((one) => accept(one, payload, name)) : accept(revived, payload, name)
}

function accept(revived: Revived, payload: Uint8Array, name: string): Tripped {
  if (revived.status === 'value') return new Tripped(revived.value, payload)
  const why = revived.status === 'schema' ? `does not fit the schema: ${revived.problem}` : 'cannot be decoded again'
  throw new LoadError('ERR_LOADER_RESULT', `what was loaded for ${quote(name)} ${why}`)
}
