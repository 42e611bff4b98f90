/**
 * `node scripts/bench.mjs <file.ts> [args]`: runs a benchmark. The first time it installs what the benchmarks compare
 * with, in a folder of their own, and finds a newer Node for those that need one.
 */
import { join } from 'node:path'
import { fail, npm, root, widenSearchPath } from './process.mjs'
import { ensureInstalled, runTypeScript, setUp } from './setup.mjs'

const COMPETITORS = join(root, 'bench', 'competitors')
/** Some competitors need 22.19. */
const NEWER = { major: 22, minor: 19 }

const [file, ...args] = process.argv.slice(2)
if (file === undefined) fail('Usage: node scripts/bench.mjs <file.ts> [arguments]')
await setUp()
if (!args.includes('--help')) {
  await ensureInstalled(COMPETITORS, { optional: true })
  await findNewerNode()
}
widenSearchPath()
process.exitCode = await runTypeScript(join(root, file), args)

/** A benchmark goes on without: it then names those that it leaves out. */
async function findNewerNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major > NEWER.major || (major === NEWER.major && minor >= NEWER.minor)) {
    tell(process.execPath, process.versions.node)
    return
  }
  const print = "process.stdout.write(process.execPath + '\\n' + process.versions.node)"
  const wanted = ['exec', '--yes', '--loglevel=error', `--package=node@${NEWER.major}`, '--', 'node', '-e', print]
  const { code, output } = await npm(wanted, { quiet: true })
  const [path = '', version = ''] = output.trim().split('\n').slice(-2)
  if (code === 0) tell(path, version)
  else console.error(`Node ${NEWER.major} cannot be had, so what needs it is left out:\n${output}`)
}

function tell(path, version) {
  process.env.BENCH_NEWER_NODE = path
  process.env.BENCH_NEWER_NODE_VERSION = version
}
