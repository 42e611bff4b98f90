/** Numbers in [0, 1), the same ones for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Picks as visitors of a shop do: the nth most popular of `count` things with a probability proportional to 1/n. */
export function popular(count: number, random: () => number): () => number {
  const sums: number[] = []
  let sum = 0
  for (let rank = 1; rank <= count; rank++) sums.push((sum += 1 / rank))
  return () => {
    const target = random() * sum
    let low = 0
    let high = count - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if ((sums[middle] as number) < target) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** What many calls came to. Times in milliseconds. */
export interface Outcome {
  calls: number
  answered: number
  slowest: number
  took: number
}

/** Makes one call per item, `width` at a time, and notes how each went. */
export async function callEach<T>(
  items: readonly T[],
  width: number,
  call: (item: T) => Promise<unknown>,
): Promise<Outcome> {
  const outcome = { calls: items.length, answered: 0, slowest: 0, took: 0 }
  const begun = performance.now()
  const queue = items.values()
  const worker = async (): Promise<void> => {
    for (const item of queue) {
      const start = performance.now()
      const ok = await call(item).then(
        (value) => value !== undefined,
        () => false,
      )
      if (ok) outcome.answered++
      outcome.slowest = Math.max(outcome.slowest, performance.now() - start)
    }
  }
  await Promise.all(Array.from({ length: width }, worker))
  return { ...outcome, took: performance.now() - begun }
}

/** The median time of one call in milliseconds, made `times` times, one after another. */
export async function medianTime(times: number, call: (turn: number) => Promise<unknown>): Promise<number> {
  const taken: number[] = []
  for (let turn = 0; turn < times; turn++) {
    const start = performance.now()
    await call(turn)
    taken.push(performance.now() - start)
  }
  return taken.toSorted((a, b) => a - b)[times >> 1] as number
}
