import { renderLeftOut } from '../kit/contender.ts'
import { progressBar } from '../kit/progress.ts'
import { runBench } from '../kit/run.ts'
import { figure, table } from '../kit/table.ts'
import { SMOKE_TABLES, TABLES, titleOf } from './cases.ts'
import { countSteps, measureThroughput, type CaseResult, type Plan, type Results } from './measure.ts'

await runBench('throughput', 'Calls a second of one process, against clients used plainly.', async (flags) => {
  const full: Plan = { tables: TABLES, rounds: flags.rounds ?? 7, round: 400, warmUp: 600 }
  const plan = flags.smoke ? { tables: SMOKE_TABLES, rounds: flags.rounds ?? 1, round: 20, warmUp: 30 } : full
  const progress = progressBar(countSteps(plan))
  const results = await measureThroughput(plan, progress)
  progress.done()
  return { results, text: render(results) }
})

function render({ versions, rounds, cases, leftOut }: Results): string {
  const titles = [...new Set(cases.map(titleOf))]
  const texts = titles.map((title) => {
    const found = cases.filter((one) => titleOf(one) === title)
    const [first] = found as [CaseResult]
    const head = ['thousands a second', ...found.flatMap(({ inFlight }) => [`${inFlight} in flight`, '×', ''])]
    const rows = first.measured.map(({ contender }) => [
      `${contender} (${versions[contender] ?? ''})`,
      ...found.flatMap(({ measured }) => {
        const one = measured.find((each) => each.contender === contender)
        if (!one) return ['', '', '']
        return [figure(one.value, 1), figure(one.ratio, 2), `${figure(one.least, 2)}–${figure(one.most, 2)}`]
      }),
    ])
    return table(`${title} (×: of ${first.baseline}, medians of ${rounds} rounds)`, head, rows, /^sharded-cache/)
  })
  return `${texts.join('\n')}${renderLeftOut(leftOut)}`
}
