/**
 * `npm test [-- vitest arguments]`: all tests, against servers that the tests start and stop themselves. Whatever
 * happens, no server and no temporary file of the run stays behind.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root, run, widenSearchPath } from './process.mjs'
import { endLeftovers, ensureServers } from './servers.mjs'
import { setUp } from './setup.mjs'

widenSearchPath()
await setUp()
await ensureServers()

const folder = mkdtempSync(join(tmpdir(), 'sharded-cache-test-'))
const pids = join(folder, 'pids')
const temporary = join(folder, 'tmp')
mkdirSync(pids)
mkdirSync(temporary)
try {
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
  const env = { TEST_PID_DIR: pids, TMPDIR: temporary }
  const { code } = await run(process.execPath, [vitest, 'run', ...process.argv.slice(2)], { env })
  process.exitCode = code
} finally {
  const ended = endLeftovers(pids)
  if (ended.length > 0) console.error(`Ended what the tests left running: ${ended.join(', ')}`)
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
}
