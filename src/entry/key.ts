import { createHash } from 'node:crypto'
import { OptionError, KeyError, quote } from '../base/errors.ts'
import { hasNoLoneSurrogate } from '../base/text.ts'
import { hashTag } from '../base/hash-tag.ts'

/** The longest stored key, in bytes: memcached's limit, kept on every adapter so that keys are the same on all of them. */
export const MAX_KEY_BYTES = 250

const PLAIN = /^[\x21-\x7e]+$/
const ILLEGAL = /[\s\p{Cc}]/u

/**
 * Refuses what cannot be a key.
 *
 * @throws KeyError `ERR_KEY` for what is not a string, is empty, or has a lone surrogate (two such keys would hash alike)
 */
export function checkKey(key: unknown): string {
  if (typeof key === 'string' && key.length > 0 && hasNoLoneSurrogate(key)) return key
  const why =
    typeof key !== 'string' ? 'must be a string' : key.length === 0 ? 'must not be empty' : 'has a lone surrogate'
  throw new KeyError(`a key ${why}; given: ${quote(key)}`)
}

/**
 * The name under which a key is stored, the same on every adapter: `namespace:key` as it is, when that is at most 250
 * bytes of UTF-8 without blanks or control characters. Otherwise `namespace:`, the key's `{tag}` if it has one and it
 * fits, and the base64url SHA-256 of the key; the key check in the envelope tells two such keys apart.
 *
 * @param key a key that passed {@link checkKey}
 * @param namespace as {@link checkNamespace} returned it; empty for none
 */
export function storedKey(key: string, namespace: string): string {
  const prefix = namespace === '' ? '' : `${namespace}:`
  if (fits(key, MAX_KEY_BYTES - prefix.length)) return prefix + key
  const digest = createHash('sha256').update(key, 'utf8').digest('base64url')
  const tag = hashTag(key)
  const room = MAX_KEY_BYTES - prefix.length - digest.length - 2
  return tag !== key && fits(tag, room) ? `${prefix}{${tag}}${digest}` : prefix + digest
}

function fits(text: string, bytes: number): boolean {
  if (text.length > bytes) return false
  if (PLAIN.test(text)) return true
  return Buffer.byteLength(text, 'utf8') <= bytes && !ILLEGAL.test(text)
}

/**
 * Refuses a namespace that could not be told from the key behind it or would leave a key too little room: at most 100
 * printable ASCII characters, without blanks and braces (a brace would change which keys share a Redis Cluster slot).
 *
 * @throws OptionError `ERR_OPTION`
 */
export function checkNamespace(given: unknown): string {
  if (given === undefined) return ''
  if (typeof given === 'string' && given.length <= 100 && PLAIN.test(given) && !/[{}]/.test(given)) return given
  throw new OptionError(
    'ERR_OPTION',
    `namespace must be 1 to 100 printable ASCII characters without blanks or braces; given: ${quote(given)}`,
  )
}
