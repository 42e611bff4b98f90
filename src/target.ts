import type { Hash } from './base/hash.ts'
import { PRINTABLE, UNTAGGED } from './base/xxh32-many.ts'
import { CHECK_SEED_HIGH, CHECK_SEED_LOW } from './entry/envelope.ts'
import { checkKey, storedKey } from './entry/key.ts'
import type { LoadKey } from './loading/request.ts'

/** Of the key that was last asked for: where it lies, and its check. */
const HASHES = new Int32Array(3)

/** A key in all its forms. */
class Target implements LoadKey {
  readonly name: string
  readonly key: string
  readonly full: string
  readonly stored: string
  readonly checkHigh: number | undefined
  readonly checkLow: number | undefined
  position: number | undefined

  constructor(
    name: string,
    key: string,
    full: string,
    stored: string,
    checkHigh: number | undefined,
    checkLow: number | undefined,
    position: number | undefined,
  ) {
    this.name = name
    this.key = key
    this.full = full
    this.stored = stored
    this.checkHigh = checkHigh
    this.checkLow = checkLow
    this.position = position
  }
}

/**
 * A key in all its forms. A function, since to V8 a constructor that is too long to be built in is a slow call.
 *
 * @param name a text that is not empty
 * @throws KeyError `ERR_KEY` if it has a lone surrogate
 */
export function targetOf(name: string, prefix: string, namespace: string, hash: Hash): LoadKey {
  const key = prefix + name
  const full = namespace === '' ? key : `${namespace}:${key}`
  // Of most keys one look at their characters says all that is asked of them. With a namespace the check is of another text.
  const looked = (namespace === '' && hash.key?.(key, CHECK_SEED_HIGH, CHECK_SEED_LOW, HASHES)) || 0
  if (looked === 0) {
    checkKey(name)
    return new Target(name, key, full, storedKey(key, namespace), undefined, undefined, undefined)
  }
  const stored = looked & PRINTABLE ? key : storedKey(key, namespace)
  return new Target(name, key, full, stored, HASHES[1], HASHES[2], looked & UNTAGGED ? HASHES[0] : undefined)
}
