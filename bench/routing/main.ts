import { progressBar } from '../kit/progress.ts'
import { runBench } from '../kit/run.ts'
import type { Measured } from '../kit/stats.ts'
import { figure, table } from '../kit/table.ts'
import { CONTENDERS, OURS } from './contenders.ts'
import { countSteps, measureRouting, type Results } from './measure.ts'

await runBench('routing', 'How long it takes to find the node of a key, and to build a ring.', async (flags) => {
  const plan = { keys: flags.smoke ? 20_000 : 1_000_000, rounds: flags.rounds ?? (flags.smoke ? 2 : 15) }
  const progress = progressBar(countSteps(plan))
  const results = await measureRouting(plan, progress)
  progress.done()
  return { results, text: render(results) }
})

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
