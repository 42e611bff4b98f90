import type { Flip } from './rules.ts'

/** Changes a byte of each value that is to be corrupted, in a copy: values read are read-only. */
export function applyFlips<O>(outcomes: O[], flips: ReadonlyMap<number, Flip>): O[] {
  for (const [index, { at, mask, done }] of flips) {
    const value: unknown = outcomes[index]
    const flipped = value instanceof Uint8Array && value.length > 0
    if (flipped) {
      const copy = Uint8Array.prototype.slice.call(value)
      const position = Math.floor(at * copy.length)
      copy[position] = (copy[position] as number) ^ mask
      outcomes[index] = copy as O
    }
    done(flipped)
  }
  return outcomes
}
