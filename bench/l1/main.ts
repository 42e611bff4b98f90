import { renderLeftOut } from '../kit/contender.ts'
import { progressBar } from '../kit/progress.ts'
import { runBench } from '../kit/run.ts'
import { figure, table } from '../kit/table.ts'
import { ROWS } from './contenders.ts'
import { countSteps, measureL1, type Plan, type Results } from './measure.ts'

await runBench('l1', 'What a hit in the process costs, against lru-cache itself and other caches.', async (flags) => {
  const full: Plan = { rows: ROWS, rounds: flags.rounds ?? 11, round: 250, warmUp: 500 }
  const plan = flags.smoke ? { ...full, rounds: flags.rounds ?? 1, round: 10, warmUp: 10 } : full
  const progress = progressBar(countSteps(plan))
  const results = await measureL1(plan, progress)
  progress.done()
  return { results, text: render(results) }
})

function render({ rows, rounds, leftOut }: Results): string {
  const tables = rows.map(({ title, versions, measured }) =>
    table(
      `${title} (1,000 hot keys, medians of ${rounds} rounds)`,
      ['', 'ns a call', '× ours', ''],
      measured.map(({ contender, value, ratio, least, most }) => [
        `${contender} (${versions[contender] ?? ''})`,
        figure(value, 0),
        figure(ratio, 2),
        `${figure(least, 2)}–${figure(most, 2)}`,
      ]),
      /^sharded-cache/,
    ),
  )
  return `${tables.join('\n')}${renderLeftOut(leftOut)}`
}
