/** `node scripts/smoke-nodes.mjs [versions]`: the smoke test of the built package under every supported Node, from npm. */
import { join } from 'node:path'
import { npm, root } from './process.mjs'
import { setUp } from './setup.mjs'

const given = process.argv.slice(2)
const versions = given.length > 0 ? given : ['20', '22', '24', '26']
await setUp()
const smoke = join(root, 'scripts', 'smoke.mjs')
const results = await Promise.all(
  versions.map((version) =>
    npm(['exec', '--yes', '--loglevel=error', `--package=node@${version}`, '--', 'node', smoke], { quiet: true }),
  ),
)
for (const [i, { code, output }] of results.entries()) {
  const expected = output.split('\n').filter((line) => line.includes(` works on Node ${versions[i]}.`))
  const ok = code === 0 && expected.length === 2
  console.log(ok ? `ok: Node ${versions[i]}` : `FAILED: Node ${versions[i]} (exit code ${code})\n${output}`)
  if (!ok) process.exitCode = 1
}
