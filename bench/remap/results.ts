import { loadHash } from '../../src/base/hash.ts'
import { balanceContenders, measureBalance, type BalanceRow } from './balance.ts'
import { contenders } from './contenders.ts'
import { measureRemap, remapSteps, type RemapRow } from './measure.ts'
import type { Progress } from '../kit/progress.ts'
import { measureTraffic, trafficSteps, type TrafficPlan, type TrafficResult } from './traffic.ts'

/** How much a run measures. */
export interface Plan {
  /** Keys of the remap part. */
  readonly keys: number
  readonly nodeCounts: readonly number[]
  readonly balanceSets: number
  readonly balanceKeys: number
  readonly traffic: TrafficPlan
}

/** The plan whose results are committed. */
export const FULL_PLAN: Plan = {
  keys: 1_000_000,
  nodeCounts: [3, 10, 50],
  balanceSets: 40,
  balanceKeys: 200_000,
  traffic: {
    keys: 100_000,
    exponent: 0.99,
    seed: 1,
    requests: 200_000,
    window: 2_000,
    changeAt: 40_000,
    nodes: 10,
  },
}

/** A run of a second or two that walks every path. */
export const SMOKE_PLAN: Plan = {
  keys: 20_000,
  nodeCounts: [3, 10, 50],
  balanceSets: 4,
  balanceKeys: 20_000,
  traffic: { ...FULL_PLAN.traffic, keys: 2_000, requests: 6_000, window: 200, changeAt: 1_200 },
}

/** Everything a run finds out. Plain data; the same for the same plan, byte for byte. */
export interface Results {
  readonly plan: Plan
  readonly contenders: readonly { readonly id: string; readonly label: string; readonly how: string }[]
  readonly remap: readonly RemapRow[]
  readonly balance: readonly BalanceRow[]
  readonly traffic: readonly TrafficResult[]
}

/** How many steps {@link measure} reports. */
export async function countSteps(plan: Plan): Promise<number> {
  const hash = await loadHash()
  return (
    remapSteps(contenders(hash), plan.nodeCounts) +
    balanceContenders(hash).length * plan.balanceSets +
    trafficSteps(plan.traffic)
  )
}

/** Runs the three parts. */
export async function measure(plan: Plan, progress: Progress): Promise<Results> {
  const hash = await loadHash()
  const compared = contenders(hash)
  return {
    plan,
    contenders: compared.map(({ id, label, how }) => ({ id, label, how })),
    remap: measureRemap(compared, plan.nodeCounts, plan.keys, progress),
    balance: measureBalance(balanceContenders(hash), plan.balanceSets, plan.balanceKeys, progress),
    traffic: await measureTraffic(plan.traffic, hash, progress),
  }
}

/** The figures as JSON, lists of numbers on one line. */
export function renderJson(results: Results): string {
  const text = JSON.stringify(results, null, 2)
  return `${text.replaceAll(/\[[\d,\s]+\]/g, (list) => list.replaceAll(/\s+/g, '').replaceAll(',', ', '))}\n`
}
