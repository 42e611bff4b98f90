import { Child } from '../kit/child.ts'
import { takePart, type LeftOut } from '../kit/contender.ts'
import { machine, type Machine } from '../kit/machine.ts'
import type { Progress } from '../kit/progress.ts'
import { interleave, type Measured } from '../kit/stats.ts'
import { OURS, type Row } from './contenders.ts'
import type { Order } from './worker.ts'

/** What one way of asking costs; values are nanoseconds per call, ratios times the time of ours. */
export interface RowResult {
  readonly title: string
  readonly versions: Readonly<Record<string, string>>
  readonly measured: readonly Measured[]
}

export interface Results {
  readonly machine: Machine
  readonly rounds: number
  readonly rows: readonly RowResult[]
  readonly leftOut: readonly LeftOut[]
}

/** How much is measured; times in milliseconds, per contender and round. */
export interface Plan {
  readonly rows: readonly Row[]
  readonly rounds: number
  readonly round: number
  readonly warmUp: number
}

/** How many steps {@link measureL1} reports. */
export function countSteps({ rows, rounds }: Plan): number {
  return rows.reduce((all, { contenders }) => all + takePart(contenders).taking.length * (rounds + 1), 0)
}

export async function measureL1(plan: Plan, progress: Progress): Promise<Results> {
  const rows: RowResult[] = []
  for (const row of plan.rows) rows.push(...(await measureRow(row, plan, progress)))
  const parts = plan.rows.map(({ contenders }) => takePart(contenders))
  // Who takes part in another row is not left out.
  const there = new Set(parts.flatMap(({ taking }) => taking.map(({ name }) => name)))
  const leftOut = parts.flatMap((part) => part.leftOut).filter(({ name }) => !there.has(name))
  return { machine: machine(), rounds: plan.rounds, rows, leftOut }
}

async function measureRow({ title, contenders }: Row, plan: Plan, progress: Progress): Promise<RowResult[]> {
  const { taking, versions } = takePart(contenders)
  if (!taking.some(({ name }) => name === OURS)) return []
  const children = new Map(
    taking.map((one) => [one.name, new Child<Order, number>(new URL('./worker.ts', import.meta.url), one)]),
  )
  const ask = (name: string, order: Order): Promise<number> => (children.get(name) as Child<Order, number>).ask(order)
  const measure = (name: string, ms: number): Promise<number> => {
    progress.step(`${title}: ${name}`)
    return ask(name, { measure: ms })
  }
  try {
    const names = taking.map(({ name }) => name)
    await Promise.all(names.map((name) => ask(name, { row: title, open: name })))
    for (const name of names) await measure(name, plan.warmUp)
    const measured = await interleave(names, OURS, plan.rounds, (name) => measure(name, plan.round))
    for (const name of names) await ask(name, { close: true })
    return [{ title, versions, measured }]
  } finally {
    await Promise.all([...children.values()].map((child) => child.stop()))
  }
}
