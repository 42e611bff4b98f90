import { renderLeftOut } from '../kit/contender.ts'
import { progressBar } from '../kit/progress.ts'
import { runBench } from '../kit/run.ts'
import type { Measured } from '../kit/stats.ts'
import { figure, table } from '../kit/table.ts'
import { countSteps, measureLoader, type Plan, type Results, type RowResult } from './measure.ts'
import { IN_FLIGHT } from './contenders.ts'
import { BY_HAND, DIRECT } from './names.ts'

await runBench('loader', 'What a miss costs besides its loader, and a call when no server answers.', async (flags) => {
  const inFlight = IN_FLIGHT
  const full: Plan = { inFlight, rounds: flags.rounds ?? 7, round: 400, warmUp: 600 }
  const plan = flags.smoke ? { inFlight, rounds: flags.rounds ?? 1, round: 20, warmUp: 30 } : full
  const progress = progressBar(countSteps(plan))
  const results = await measureLoader(plan, progress)
  progress.done()
  return { results, text: render(results) }
})

function render({ missing, down, rounds, versions, leftOut }: Results): string {
  const one = (title: string, rows: readonly RowResult[]): string =>
    table(
      `${title}, medians of ${rounds} rounds)`,
      ['µs a call', ...rows.flatMap(({ inFlight }) => [`${inFlight} in flight`, '×', ''])],
      (rows[0]?.measured ?? []).map(({ contender }) => [
        `${contender} (${versions[contender] ?? ''})`,
        ...rows.flatMap(({ measured }) => {
          const found = measured.find((each) => each.contender === contender) as Measured
          return [figure(found.value, 1), figure(found.ratio, 2), `${figure(found.least, 2)}–${figure(found.most, 2)}`]
        }),
      ]),
      /^sharded-cache/,
    )
  const tables = [
    one(`A miss: read, load at once, write; one Redis (×: of ${BY_HAND}`, missing),
    one(`No server answers (×: of ${DIRECT}`, down),
  ]
  return `${tables.join('\n')}${renderLeftOut(leftOut)}`
}
