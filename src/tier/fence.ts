import type { Hash } from '../base/hash.ts'

const STRIPES = 4096

/**
 * Tells whether a key was written or removed since a read of it began, so that what the read brings is not put into L1
 * over what is newer. Striped: keys share 4,096 counters, and a neighbour's write at worst costs one L1 fill.
 */
export class Fence {
  readonly #counters = new Uint32Array(STRIPES)
  readonly #hash: Hash

  constructor(hash: Hash) {
    this.#hash = hash
  }

  /** The key's counter as it stands; read it before the node is asked. */
  stamp(key: string): number {
    return this.#counters[this.#stripe(key)] as number
  }

  /** Voids the stamps taken of this key before. */
  raise(key: string): void {
    const stripe = this.#stripe(key)
    this.#counters[stripe] = (this.#counters[stripe] as number) + 1
  }

  #stripe(key: string): number {
    return this.#hash.text(key) % STRIPES
  }
}
