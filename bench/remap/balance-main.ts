import { parseArgs } from 'node:util'
import { loadHash } from '../../src/base/hash.ts'
import { progressBar } from '../kit/progress.ts'
import { balanceContenders, measureBalance } from './balance.ts'
import { balanceTable } from './figures.ts'
import { FULL_PLAN, SMOKE_PLAN } from './results.ts'
import { renderTable } from './terminal.ts'

const HELP = `npm run bench:balance -- [options]

How even the load of ten nodes is: the part of bench:remap about balance, alone. Prints its table and writes nothing; the
figures are the same on every run.

  --smoke    a quick run with few keys
  --help     this text
`
const { values } = parseArgs({
  options: { smoke: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
})

if (values.help) process.stdout.write(HELP)
else {
  const plan = values.smoke ? SMOKE_PLAN : FULL_PLAN
  const compared = balanceContenders(await loadHash())
  const progress = progressBar(compared.length * plan.balanceSets)
  const balance = measureBalance(compared, plan.balanceSets, plan.balanceKeys, progress)
  progress.done()
  console.log(renderTable(balanceTable({ plan, balance })).join('\n'))
}
