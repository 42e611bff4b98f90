import { parseArgs } from 'node:util'
import pc from 'picocolors'
import { command, numberFlag } from './flags.ts'
import { live } from './live.ts'
import { renderReport } from './report.ts'
import { chaos, held } from './run.ts'

const HELP = `npm run chaos -- [options]

A walk over faults on real servers, drawn from a seed: two Redis nodes, one with a replica, and two of memcached, each
reached by two caches through proxies of their own. Servers are killed and come back empty or with old data, hang, run
out of memory, turn read-only; connections are cut, slowed, silenced and fed with garbage; nodes leave and join. All the
while calls of all kinds run, and an oracle judges what they give. Ends with a table; exit code 1 on any violation.

  --seed N       of the walk and of the calls; 1 unless given. The same seed makes the same faults at the same times
  --seconds S    how long faults begin for; 30 unless given. Then it waits until all nodes are back
  --naive        with journals, circuits and fences switched off from outside: shows what the oracle finds then
  --help         this text
`

await command(
  () => HELP,
  async () => {
    const { values } = parseArgs({
      options: {
        seed: { type: 'string', default: '1' },
        seconds: { type: 'string', default: '30' },
        naive: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    })
    if (values.help) {
      process.stdout.write(HELP)
      return 0
    }
    const seed = numberFlag('seed', values.seed, [0, 2 ** 31 - 1])
    const ms = numberFlag('seconds', values.seconds, [1, 86_400], false) * 1_000
    const line = live(ms)
    const report = await chaos({ seed, ms, naive: values.naive, progress: (now) => line.tell(now) }).finally(line.done)
    const good = held(report)
    const verdict = good ? pc.green('all invariants held') : pc.red('invariants were broken')
    console.log(`${renderReport(report)}\n\nSeed ${seed}, ${ms / 1_000} s: ${verdict}`)
    return good ? 0 : 1
  },
)
