import type { Hash } from '../../src/base/hash.ts'
import { hashring, memcache, ours, type Contender } from './contenders.ts'
import { peakOverFair, round } from './measure.ts'
import type { Progress } from '../kit/progress.ts'
import { makeKeys, makeNodes } from './workload.ts'

/** How evenly one placement spreads keys over ten nodes: the busiest node over the average, over many sets of names. */
export interface BalanceRow {
  readonly contender: string
  readonly label: string
  readonly median: number
  readonly worst: number
}

export const BALANCE_NODES = 10
const POINTS = [50, 150, 160, 512, 1024]

/** The rings whose balance is measured: this library's at several point counts, and the others as they come. */
export function balanceContenders(hash: Hash): Contender[] {
  return [...POINTS.map((points) => ours(hash, points)), hashring(), memcache()]
}

/** One lucky set of names proves nothing, so each ring is measured over `sets` of them. */
export function measureBalance(
  contenders: readonly Contender[],
  sets: number,
  keyCount: number,
  progress: Progress,
): BalanceRow[] {
  const keys = makeKeys(keyCount)
  return contenders.map((contender) => {
    const route = contender.prepare(keys)
    const peaks = Array.from({ length: sets }, (_, set) => {
      progress.step(`${contender.label}: balance, names ${set + 1} of ${sets}`)
      const nodes = makeNodes(BALANCE_NODES, set)
      return peakOverFair(route(nodes), nodes)
    }).sort((a, b) => a - b)
    return {
      contender: contender.id,
      label: contender.label,
      median: round(median(peaks), 4),
      worst: round(peaks.at(-1) as number, 4),
    }
  })
}

function median(sorted: readonly number[]): number {
  const middle = sorted.length >> 1
  const upper = sorted[middle] as number
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2
}
