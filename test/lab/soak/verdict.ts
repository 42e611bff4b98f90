/** What there was at one moment of a soak. */
export interface Sample {
  /** Milliseconds since the traffic began. */
  readonly at: number
  /** Bytes in use once the garbage was collected. */
  readonly heap: number
  /** Sockets and the like that keep the process alive, and timers that do; those of the traffic and the proxies included. */
  readonly handles: number
  readonly timers: number
  /** Keys that wait in journals. */
  readonly journal: number
}

/** By how much the heap may grow over the second half, in bytes, by the line that fits it best. */
export const GROWTH_BOUND: number = 2 * 1024 * 1024

/** Growth of the heap over the second half of the time, in bytes: the slope of the line of least squares, times that half. */
export function heapGrowth(samples: readonly Sample[]): number {
  const last = samples.at(-1)
  if (!last) return 0
  const half = samples.filter(({ at }) => at >= last.at / 2)
  const mean = (of: (sample: Sample) => number): number => half.reduce((sum, one) => sum + of(one), 0) / half.length
  const [at, heap] = [mean((sample) => sample.at), mean((sample) => sample.heap)]
  const spread = half.reduce((sum, sample) => sum + (sample.at - at) ** 2, 0)
  if (spread === 0) return 0
  const slope = half.reduce((sum, sample) => sum + (sample.at - at) * (sample.heap - heap), 0) / spread
  return slope * (last.at - half[0]!.at)
}
