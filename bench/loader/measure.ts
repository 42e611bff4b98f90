import { redisText, startRedis, type TestServer } from '../../test/support/servers.ts'
import { Child } from '../kit/child.ts'
import { takePart, type LeftOut } from '../kit/contender.ts'
import type { LoadingContender } from '../kit/loading-cache.ts'
import { machine, type Machine } from '../kit/machine.ts'
import type { Progress } from '../kit/progress.ts'
import { interleave, type Measured } from '../kit/stats.ts'
import { DOWN, MISSING } from './contenders.ts'
import { BY_HAND, DIRECT } from './names.ts'
import type { Order } from './worker.ts'

/** Values are microseconds per call, ratios times the time of the baseline. */
export interface RowResult {
  readonly inFlight: number
  readonly measured: readonly Measured[]
}

export interface Results {
  readonly machine: Machine
  readonly versions: Readonly<Record<string, string>>
  readonly leftOut: readonly LeftOut[]
  readonly rounds: number
  /** Every call misses, loads at once and writes; against the same by hand. */
  readonly missing: readonly RowResult[]
  /** No server answers any more; against the loader itself. */
  readonly down: readonly RowResult[]
}

/** How much is measured; times in milliseconds, per contender and round. */
export interface Plan {
  readonly inFlight: readonly number[]
  readonly rounds: number
  readonly round: number
  readonly warmUp: number
}

/** How many steps {@link measureLoader} reports. */
export function countSteps({ inFlight, rounds }: Plan): number {
  const each = takePart(MISSING).taking.length + takePart(DOWN).taking.length
  return each * inFlight.length * (rounds + 1)
}

export async function measureLoader(plan: Plan, progress: Progress): Promise<Results> {
  const { versions, leftOut } = takePart([...MISSING, ...DOWN])
  const missing = await measureMisses(plan, MISSING, progress)
  const down = await measureAll('no server', DOWN, DIRECT, plan, progress, async (server) => server.kill())
  return { machine: machine(), versions, leftOut, rounds: plan.rounds, missing, down }
}

/** What a miss costs, of some; that by hand must be among them. */
export function measureMisses(
  plan: Plan,
  contenders: readonly LoadingContender[],
  progress: Progress,
): Promise<RowResult[]> {
  return measureAll('a miss', contenders, BY_HAND, plan, progress, forget)
}

/** What the rounds before have left in the server would be in the way of nobody but its memory. */
async function forget({ port }: TestServer): Promise<void> {
  await redisText(port, 'FLUSHALL')
}

async function measureAll(
  what: string,
  contenders: readonly LoadingContender[],
  baseline: string,
  plan: Plan,
  progress: Progress,
  before: (server: TestServer) => Promise<void>,
): Promise<RowResult[]> {
  const { taking } = takePart(contenders)
  const names = taking.map(({ name }) => name)
  const server = await startRedis()
  const children = new Map<string, Child<Order, number>>()
  const ask = (name: string, order: Order): Promise<number> => (children.get(name) as Child<Order, number>).ask(order)
  try {
    const place = { host: server.host, port: server.port }
    for (const one of taking) children.set(one.name, new Child(new URL('./worker.ts', import.meta.url), one))
    await Promise.all(names.map((name) => ask(name, { open: name, server: place })))
    const rows: RowResult[] = []
    for (const inFlight of plan.inFlight) {
      const measure = async (name: string, ms: number): Promise<number> => {
        progress.step(`${what}, ${inFlight} in flight: ${name}`)
        await before(server)
        return ask(name, { inFlight, ms, kept: baseline === BY_HAND })
      }
      for (const name of names) await measure(name, plan.warmUp)
      rows.push({
        inFlight,
        measured: await interleave(names, baseline, plan.rounds, (name) => measure(name, plan.round)),
      })
    }
    for (const name of names) await ask(name, { close: true })
    return rows
  } finally {
    await Promise.all([...children.values()].map((child) => child.stop()))
    await server.stop()
  }
}
