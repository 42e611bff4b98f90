import { machine, versionOf, type Machine } from '../kit/machine.ts'
import { progressBar, type Progress } from '../kit/progress.ts'
import { runBench } from '../kit/run.ts'
import { interleave, type Measured } from '../kit/stats.ts'
import { figure, table } from '../kit/table.ts'
import { startMemcached, startRedis } from '../../test/support/servers.ts'
import { TABLES, titleOf, type Case } from './cases.ts'
import { BASELINE, CONTENDERS, contendersOf } from './contenders.ts'
import { Worker } from './process.ts'

/** Calls per millisecond: thousands a second. */
interface CaseResult extends Case {
  readonly baseline: string
  readonly measured: readonly Measured[]
}

interface Results {
  readonly machine: Machine
  readonly versions: Readonly<Record<string, string>>
  readonly rounds: number
  readonly cases: readonly CaseResult[]
}

/** How long one contender is measured in one round, and before the first one, in milliseconds. */
const ROUND = 400
const WARM_UP = 600

await runBench('throughput', 'Calls a second of one process, against clients used plainly.', async (flags) => {
  const rounds = flags.rounds ?? (flags.smoke ? 1 : 7)
  const scale = flags.smoke ? 0.05 : 1
  const steps = TABLES.flat().reduce((all, one) => all + contendersOf(one).length * (rounds + 1), 0)
  const progress = progressBar(steps)
  const cases: CaseResult[] = []
  for (const group of TABLES) cases.push(...(await measureTable(group, rounds, scale, progress)))
  progress.done()
  const versions = Object.fromEntries(CONTENDERS.map(({ name, of }) => [name, versionOf(of)]))
  const results: Results = { machine: machine(), versions, rounds, cases }
  return { results, text: render(results) }
})

async function measureTable(
  group: readonly Case[],
  rounds: number,
  scale: number,
  progress: Progress,
): Promise<CaseResult[]> {
  const [first] = group as [Case]
  const { kind, nodes, size } = first
  const names = contendersOf(first).map(({ name }) => name)
  const servers = await Promise.all(
    Array.from({ length: nodes }, () => (kind === 'redis' ? startRedis() : startMemcached())),
  )
  const places = servers.map(({ host, port }) => ({ host, port }))
  const workers = new Map(names.map((name) => [name, new Worker()]))
  const ask = (name: string, order: Parameters<Worker['ask']>[0]): Promise<number> =>
    (workers.get(name) as Worker).ask(order)
  try {
    for (const name of names) {
      await ask(name, { open: name, servers: places, kind })
    }
    const results: CaseResult[] = []
    for (const one of group) {
      // Each writes what it reads: no two store a value alike.
      const measure = async (name: string, ms: number): Promise<number> => {
        progress.step(`${titleOf(one)}, ${one.inFlight} in flight: ${name}`)
        await ask(name, { fill: size })
        return ask(name, { measure: one, ms: ms * scale })
      }
      for (const name of names) await measure(name, WARM_UP)
      const measured = await interleave(names, BASELINE[kind], rounds, (name) => measure(name, ROUND))
      results.push({ ...one, baseline: BASELINE[kind], measured })
    }
    for (const name of names) await ask(name, { close: true })
    return results
  } finally {
    await Promise.all([...workers.values()].map((worker) => worker.stop()))
    await Promise.all(servers.map((server) => server.stop()))
  }
}

function render({ versions, rounds, cases }: Results): string {
  const texts: string[] = []
  for (const group of TABLES) {
    const found = group.map((one) => cases.find((result) => sameCase(result, one)) as CaseResult)
    const [first] = found as [CaseResult]
    const head = ['thousands a second', ...found.flatMap(({ inFlight }) => [`${inFlight} in flight`, '×', ''])]
    const rows = first.measured.map(({ contender }) => [
      `${contender} (${versions[contender] ?? ''})`,
      ...found.flatMap(({ measured }) => {
        const one = measured.find((each) => each.contender === contender) as Measured
        return [figure(one.value, 1), figure(one.ratio, 2), `${figure(one.least, 2)}–${figure(one.most, 2)}`]
      }),
    ])
    texts.push(
      table(`${titleOf(first)} (×: of ${first.baseline}, medians of ${rounds} rounds)`, head, rows, /^sharded-cache/),
    )
  }
  return texts.join('\n')
}

function sameCase(a: Case, b: Case): boolean {
  const of = ({ kind, operation, size, nodes, inFlight }: Case): string =>
    [kind, operation, size, nodes, inFlight].join()
  return of(a) === of(b)
}
