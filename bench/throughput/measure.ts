import { startMemcached, startRedis, type TestServer } from '../../test/support/servers.ts'
import { Child } from '../kit/child.ts'
import { takePart, type LeftOut } from '../kit/contender.ts'
import { machine, type Machine } from '../kit/machine.ts'
import type { Progress } from '../kit/progress.ts'
import { interleave, type Measured } from '../kit/stats.ts'
import { titleOf, type Case } from './cases.ts'
import type { ThroughputContender } from './client.ts'
import { startCluster } from './cluster.ts'
import { BASELINE, contendersOf } from './contenders.ts'
import type { Order } from './worker.ts'

/** Calls per millisecond: thousands a second. */
export interface CaseResult extends Case {
  readonly baseline: string
  readonly measured: readonly Measured[]
}

export interface Results {
  readonly machine: Machine
  readonly versions: Readonly<Record<string, string>>
  readonly leftOut: readonly LeftOut[]
  readonly rounds: number
  readonly cases: readonly CaseResult[]
}

/** How much is measured; times in milliseconds, per contender and round. */
export interface Plan {
  readonly tables: readonly (readonly Case[])[]
  /** Who takes part in the cases of a table; everybody unless given. */
  readonly contenders?: (group: readonly Case[]) => readonly ThroughputContender[]
  readonly rounds: number
  readonly round: number
  readonly warmUp: number
}

/** Some clients open one for each call under way: at memcached's own bound of 1,024 they wait for ever. */
const MANY_CONNECTIONS = { args: ['-c', '4096'] }

/** How many steps {@link measureThroughput} reports. */
export function countSteps(plan: Plan): number {
  return plan.tables.reduce(
    (all, group) => all + takePart(contendersFor(group, plan)).taking.length * group.length * (plan.rounds + 1),
    0,
  )
}

export async function measureThroughput(plan: Plan, progress: Progress): Promise<Results> {
  const cases: CaseResult[] = []
  for (const group of plan.tables) cases.push(...(await measureTable(group, plan, progress)))
  const all = new Set(plan.tables.flatMap((group) => contendersFor(group, plan)))
  const { versions, leftOut } = takePart([...all])
  return { machine: machine(), versions, leftOut, rounds: plan.rounds, cases }
}

async function measureTable(group: readonly Case[], plan: Plan, progress: Progress): Promise<CaseResult[]> {
  const [first] = group as [Case]
  const { kind, nodes, size } = first
  const { taking } = takePart(contendersFor(group, plan))
  const names = taking.map(({ name }) => name)
  const started: TestServer[] = []
  const children = new Map<string, Child<Order, number>>()
  const ask = (name: string, order: Order): Promise<number> => (children.get(name) as Child<Order, number>).ask(order)
  try {
    const servers = await Promise.all(
      Array.from({ length: nodes }, () => (kind === 'redis' ? startRedis() : startMemcached(MANY_CONNECTIONS))),
    )
    started.push(...servers)
    const masters = taking.some(({ cluster }) => cluster) ? await startCluster(nodes) : []
    started.push(...masters)
    const opened = taking.map((one) => {
      children.set(one.name, new Child(new URL('./worker.ts', import.meta.url), one))
      return ask(one.name, { open: one.name, servers: placesFor(one, servers, masters), kind })
    })
    await Promise.all(opened)
    const results: CaseResult[] = []
    for (const one of group) {
      // Each writes what it reads: no two store a value alike.
      const measure = async (name: string, ms: number): Promise<number> => {
        progress.step(`${titleOf(one)}, ${one.inFlight} in flight: ${name}`)
        await ask(name, { fill: size })
        return ask(name, { measure: one, ms })
      }
      for (const name of names) await measure(name, plan.warmUp)
      const measured = await interleave(names, BASELINE[kind], plan.rounds, (name) => measure(name, plan.round))
      results.push({ ...one, baseline: BASELINE[kind], measured })
    }
    for (const name of names) await ask(name, { close: true })
    return results
  } finally {
    await Promise.all([...children.values()].map((child) => child.stop()))
    await Promise.all(started.map((server) => server.stop()))
  }
}

function contendersFor(group: readonly Case[], { contenders }: Plan): readonly ThroughputContender[] {
  return contenders?.(group) ?? contendersOf(group[0] as Case)
}

function placesFor(
  { cluster }: ThroughputContender,
  servers: readonly TestServer[],
  masters: readonly TestServer[],
): { host: string; port: number }[] {
  return (cluster === true ? masters : servers).map(({ host, port }) => ({ host, port }))
}
