import type { Hash } from './base/hash.ts'
import { CHECK_SEED_HIGH, CHECK_SEED_LOW } from './entry/envelope.ts'
import { storedKey } from './entry/key.ts'
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

  /** @param name a key that passed `checkKey` */
  constructor(name: string, prefix: string, namespace: string, hash: Hash) {
    const key = prefix + name
    this.name = name
    this.key = key
    // Most keys are short and plain: then one look at their characters does for all that is asked of them.
    if (namespace === '' && hash.plain?.(key, CHECK_SEED_HIGH, CHECK_SEED_LOW, HASHES)) {
      this.full = key
      this.stored = key
      this.position = HASHES[0]
      this.checkHigh = HASHES[1]
      this.checkLow = HASHES[2]
    } else {
      this.full = namespace === '' ? key : `${namespace}:${key}`
      this.stored = storedKey(key, namespace)
      this.position = undefined
      this.checkHigh = undefined
      this.checkLow = undefined
    }
  }
}
