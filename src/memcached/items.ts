import { NodeError } from '../base/errors.ts'
import { MAX_KEY_BYTES } from '../entry/key.ts'

/** What is wrong with a stored key, if anything: memcached hangs up on keys like that, and neighbours suffer. */
export function keyError(key: string): NodeError | undefined {
  // A byte is never shorter than a character, so most keys are settled without counting.
  const fits =
    key.length <= MAX_KEY_BYTES && (key.length * 3 <= MAX_KEY_BYTES || Buffer.byteLength(key) <= MAX_KEY_BYTES)
  if (key.length > 0 && fits && !/[\s\p{Cc}]/u.test(key) && key.isWellFormed()) return undefined
  return new NodeError('ERR_NODE', 'a stored key must be 1 to 250 bytes without blanks or control characters')
}

/** What a value gives that no item can hold. */
export function sizeError(address: string, bytes: number, limit: number): NodeError {
  const text = `${address} holds values of at most ${limit} bytes, not ${bytes}; what was stored there is gone`
  return new NodeError('ERR_NODE', text)
}
