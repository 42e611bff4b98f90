/**
 * A seeded source of numbers in [0, 1): mulberry32, 32 bits of state, the same sequence for a seed on every machine.
 * Source: Tommy Ettinger, https://gist.github.com/tommyettinger/46a874533244883189143505d203312c (public domain).
 */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/**
 * Draws ranks 0 to `count - 1` with a probability proportional to `1 / (rank + 1) ** exponent`: a few keys take most of the
 * traffic. Exact, by inversion of the cumulative distribution with a binary search (Devroye, "Non-Uniform Random Variate
 * Generation", 1986, chapter III.2). The exponent 0.99 is that of YCSB (Cooper et al., SoCC 2010).
 */
export function zipf(count: number, exponent: number, random: () => number): () => number {
  const cumulative = zipfCumulative(count, exponent)
  return () => {
    const drawn = random()
    let low = 0
    let high = count - 1
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((cumulative[middle] as number) <= drawn) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** For each rank, the probability of drawing it or a smaller one. */
export function zipfCumulative(count: number, exponent: number): Float64Array {
  const cumulative = new Float64Array(count)
  let sum = 0
  for (let rank = 0; rank < count; rank++) cumulative[rank] = sum += 1 / (rank + 1) ** exponent
  for (let rank = 0; rank < count; rank++) cumulative[rank] = (cumulative[rank] as number) / sum
  return cumulative
}
