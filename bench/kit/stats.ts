/** The middle one; of an even number, the mean of both. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  if (sorted.length % 2 === 1) return sorted[middle] as number
  return ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2
}

/** What one contender came to in one case. */
export interface Measured {
  readonly contender: string
  /** The median over all rounds. */
  readonly value: number
  /** The median of the ratios to the baseline, each within one round; 1 for the baseline itself. */
  readonly ratio: number
  readonly least: number
  readonly most: number
}

/**
 * Measures contenders in turn, round after round, each round beginning with another one: what disturbs the machine then
 * disturbs all of them, and the ratios within a round stay what they are.
 *
 * @param baseline one of the contenders
 */
export async function interleave(
  contenders: readonly string[],
  baseline: string,
  rounds: number,
  measure: (contender: string) => number | Promise<number>,
): Promise<Measured[]> {
  const values = new Map<string, number[]>(contenders.map((name) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < contenders.length; i++) {
      const name = contenders[(i + round) % contenders.length] as string
      values.get(name)?.push(await measure(name))
    }
  }
  const base = values.get(baseline) as number[]
  return contenders.map((contender) => {
    const own = values.get(contender) as number[]
    const ratios = own.map((value, i) => value / (base[i] as number))
    return {
      contender,
      value: median(own),
      ratio: median(ratios),
      least: Math.min(...ratios),
      most: Math.max(...ratios),
    }
  })
}
