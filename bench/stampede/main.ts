import { renderLeftOut } from '../kit/contender.ts'
import { progressBar } from '../kit/progress.ts'
import { runBench } from '../kit/run.ts'
import { figure, table } from '../kit/table.ts'
import { crowdTitle } from './crowd.ts'
import { countSteps, measureStampede, type Plan, type Results } from './measure.ts'

const CROWDS: Plan['crowds'] = [
  { processes: 1, callers: 1_000 },
  { processes: 5, callers: 100 },
]
const SMOKE: Plan['crowds'] = [{ processes: 2, callers: 20 }]

await runBench('stampede', 'Many callers ask for one cold key at once: how often it is loaded.', async (flags) => {
  const rounds = flags.rounds ?? (flags.smoke ? 1 : 11)
  const plan: Plan = { rounds, load: 50, crowds: flags.smoke ? SMOKE : CROWDS }
  const progress = progressBar(countSteps(plan))
  const results = await measureStampede(plan, progress)
  progress.done()
  return { results, text: render(results) }
})

function render({ crowds, load, rounds, versions, leftOut }: Results): string {
  const tables = crowds.map((crowd) =>
    table(
      `${crowdTitle(crowd)}, a loader of ${load} ms, one Redis (medians of ${rounds} rounds)`,
      ['', 'loads', 'at most', 'median wait, ms', 'slowest wait, ms'],
      crowd.outcomes.map(({ contender, loads, mostLoads, medianWait, slowestWait }) => [
        `${contender} (${versions[contender] ?? ''})`,
        figure(loads, 0),
        figure(mostLoads, 0),
        figure(medianWait, 0),
        figure(slowestWait, 0),
      ]),
      /^sharded-cache/,
    ),
  )
  return `${tables.join('\n')}${renderLeftOut(leftOut)}`
}
