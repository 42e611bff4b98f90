import { startMemcached, startRedis, type TestServer } from '../../test/support/servers.ts'
import { takePart, type LeftOut } from '../kit/contender.ts'
import { machine, type Machine } from '../kit/machine.ts'
import type { Progress } from '../kit/progress.ts'
import { interleave, type Measured } from '../kit/stats.ts'
import { titleOf, type Case } from './cases.ts'
import type { ThroughputContender } from './client.ts'
import { startCluster } from './cluster.ts'
import { BASELINE, contendersOf } from './contenders.ts'
import { ours } from './ours.ts'
import { Party } from './party.ts'

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
  const failed: LeftOut[] = []
  for (const group of plan.tables) cases.push(...(await measureTable(group, plan, progress, failed)))
  const all = new Set(plan.tables.flatMap((group) => contendersFor(group, plan)))
  const { versions, leftOut } = takePart([...all])
  return { machine: machine(), versions, leftOut: [...leftOut, ...failed], rounds: plan.rounds, cases }
}

async function measureTable(
  group: readonly Case[],
  plan: Plan,
  progress: Progress,
  failed: LeftOut[],
): Promise<CaseResult[]> {
  const [first] = group as [Case]
  const { kind, nodes, size } = first
  const baseline = BASELINE[kind]
  const { taking } = takePart(contendersFor(group, plan))
  const started: TestServer[] = []
  let party: Party | undefined
  try {
    const servers = await Promise.all(
      Array.from({ length: nodes }, () => (kind === 'redis' ? startRedis() : startMemcached(MANY_CONNECTIONS))),
    )
    started.push(...servers)
    const masters = taking.some(({ cluster }) => cluster) ? await startCluster(nodes) : []
    started.push(...masters)
    const crowd = new Party(taking, [baseline, ours.name])
    party = crowd
    await Promise.all(
      taking.map((one) =>
        crowd.ask(one.name, titleOf(first), { open: one.name, servers: placesFor(one, servers, masters), kind }),
      ),
    )
    const results: CaseResult[] = []
    for (const one of group) {
      const at = `${titleOf(one)}, ${one.inFlight} in flight`
      const measure = (name: string, ms: number): Promise<number> => {
        progress.step(`${at}: ${name}`)
        // Each writes what it reads: no two store a value alike.
        return crowd.ask(name, at, { fill: size }, { measure: one, ms })
      }
      for (const name of crowd.names) await measure(name, plan.warmUp)
      const all = await interleave(crowd.names, baseline, plan.rounds, (name) => measure(name, plan.round))
      results.push({ ...one, baseline, measured: all.filter(({ contender }) => crowd.has(contender)) })
    }
    for (const name of crowd.names) await crowd.ask(name, 'its end', { close: true })
    return results
  } finally {
    failed.push(...(party?.failed ?? []))
    await party?.stop()
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
