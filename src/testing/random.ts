import { checkCount } from '../base/check.ts'

/**
 * Numbers in [0, 1) that look random and are the same for the same seed: for tests whose failures must come back. Not for
 * secrets.
 *
 * @param seed a whole number of at least 0
 * @throws OptionError `ERR_OPTION` for any other seed
 * @example
 * const cache = await ShardedCache.create({ nodes, random: seededRandom(7) })
 */
export function seededRandom(seed: number): () => number {
  checkCount(seed, 'seed', 0)
  // Mulberry32 (Tommy Ettinger, public domain), its 32 bits of state made from all 53 of the seed.
  let state = (seed ^ Math.imul(Math.floor(seed / 2 ** 32), 0x9e3779b1)) | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let bits = Math.imul(state ^ (state >>> 15), state | 1)
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61)
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32
  }
}
