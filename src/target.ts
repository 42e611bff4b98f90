import type { Hash } from './base/hash.ts'
import { PRINTABLE, UNTAGGED } from './base/xxh32-many.ts'
import { CHECK_SEED_HIGH, CHECK_SEED_LOW } from './entry/envelope.ts'
import { checkKey, storedKey } from './entry/key.ts'
import type { LoadKey } from './loading/request.ts'

/** Of the key that was last asked for: where it lies, and its check. */
const HASHES = new Int32Array(3)

/** A key in all its forms. */
export class Target implements LoadKey {
  readonly name: string
  readonly key: string
  readonly full: string
  readonly stored: string
  readonly checkHigh: number | undefined
  readonly checkLow: number | undefined
  position: number | undefined

  /**
   * @param name a text that is not empty
   * @throws KeyError `ERR_KEY` if it has a lone surrogate
   */
  constructor(name: string, prefix: string, namespace: string, hash: Hash) {
    const key = prefix + name
    this.name = name
    this.key = key
    this.full = namespace === '' ? key : `${namespace}:${key}`
    // Of most keys one look at their characters says all that is asked of them. With a namespace the check is of another text.
    const looked = (namespace === '' && hash.key?.(key, CHECK_SEED_HIGH, CHECK_SEED_LOW, HASHES)) || 0
    if (looked === 0) checkKey(name)
    this.stored = looked & PRINTABLE ? key : storedKey(key, namespace)
    this.checkHigh = looked === 0 ? undefined : HASHES[1]
    this.checkLow = looked === 0 ? undefined : HASHES[2]
    this.position = looked & UNTAGGED ? HASHES[0] : undefined
  }
}
