import { loadHash, ring } from 'sharded-cache'
import { machine, type Machine } from '../kit/machine.ts'
import { progressBar } from '../kit/progress.ts'
import { runBench } from '../kit/run.ts'
import { interleave, median, type Measured } from '../kit/stats.ts'
import { figure, table } from '../kit/table.ts'
import { CONTENDERS, FLOOR, OURS } from './contenders.ts'

/** Nanoseconds per key, and what building a ring takes in milliseconds. */
interface Results {
  readonly machine: Machine
  readonly keys: number
  readonly rounds: number
  /** By the number of nodes. */
  readonly lookups: readonly { readonly nodes: number; readonly measured: readonly Measured[] }[]
  readonly build: { readonly nodes: number; readonly points: number; readonly whole: number; readonly add: number }
}

const NODES = [10, 100]
/** Where results go, so that they are not optimised away. */
const sink: { last: unknown } = { last: undefined }

await runBench('routing', 'How long it takes to find the node of a key, and to build a ring.', async (flags) => {
  const keys = Array.from({ length: flags.smoke ? 20_000 : 1_000_000 }, (_, i) => keyOf(i))
  const rounds = flags.rounds ?? (flags.smoke ? 2 : 9)
  const progress = progressBar(NODES.length * rounds * CONTENDERS.length)
  const hash = await loadHash()
  const lookups: Results['lookups'][number][] = []
  for (const count of NODES) {
    const nodes = idsOf(count).map((id) => ({ id }))
    const built = ring(nodes, { hash })
    const prepared = new Map(
      CONTENDERS.map(({ name, prepare }) => [
        name,
        prepare(
          nodes.map(({ id }) => id),
          built,
          hash,
        ),
      ]),
    )
    const names = CONTENDERS.map(({ name }) => name)
    const measured = await interleave(names, FLOOR, rounds, (name) => {
      progress.step(`${count} nodes: ${name}`)
      return perKey(keys, prepared.get(name) as (key: string) => unknown)
    })
    lookups.push({ nodes: count, measured })
  }
  progress.done()
  const results = { machine: machine(), keys: keys.length, rounds, lookups, build: await measureBuild(rounds) }
  return { results, text: render(results) }
})

/** 19 characters, as keys of users and the like are. */
function keyOf(i: number): string {
  // Through bytes: a text that was put together from pieces would be read more slowly.
  return Buffer.from(`user:${String((i * 7_919) % 1_000_000_000).padStart(9, '0')}:abcd`).toString('latin1')
}

function idsOf(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `10.0.${i >> 8}.${i & 255}:6379`)
}

function perKey(keys: readonly string[], locate: (key: string) => unknown): number {
  const start = performance.now()
  for (const key of keys) sink.last = locate(key)
  return ((performance.now() - start) * 1_000_000) / keys.length
}

async function measureBuild(rounds: number): Promise<Results['build']> {
  const hash = await loadHash()
  const nodes = idsOf(100).map((id) => ({ id }))
  const before = ring(nodes, { hash })
  const time = (run: () => unknown): number => {
    const start = performance.now()
    sink.last = run()
    return performance.now() - start
  }
  const all = Array.from({ length: rounds * 3 }, (_, i) => ({
    whole: time(() => ring(nodes, { hash })),
    add: time(() => ring([...nodes, { id: `new-${i}:6379` }], { hash, before })),
  }))
  return {
    nodes: nodes.length,
    points: before.points.length,
    whole: median(all.map(({ whole }) => whole)),
    add: median(all.map(({ add }) => add)),
  }
}

function render({ keys, rounds, lookups, build }: Results): string {
  const names = CONTENDERS.map(({ name }) => name)
  const head = ['key → node', ...lookups.flatMap(({ nodes }) => [`${nodes} nodes, ns`, '× floor', '× ours'])]
  const rows = names.map((name) => [
    name,
    ...lookups.flatMap(({ measured }) => {
      const [one, own] = [name, OURS].map(
        (wanted) => measured.find(({ contender }) => contender === wanted) as Measured,
      )
      return [figure(one!.value, 0), figure(one!.ratio, 2), figure(one!.value / own!.value, 1)]
    }),
  ])
  const title = `Routing: ${keys.toLocaleString('en-US')} distinct keys of 19 characters, 1,024 points per node, medians of ${rounds} rounds`
  const { whole, add, nodes, points } = build
  return [
    table(title, head, rows, /^sharded-cache/),
    '',
    `A ring of ${nodes} nodes (${points.toLocaleString('en-US')} points) from nothing: ${figure(whole, 1)} ms; one node more: ${figure(add, 1)} ms.`,
  ].join('\n')
}
