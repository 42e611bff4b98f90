/** `node scripts/run.mjs <file.ts> [args]`: runs a TypeScript file of the repository, against a build that is up to date. */
import { fail, root, widenSearchPath } from './process.mjs'
import { runTypeScript, setUp } from './setup.mjs'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'

const [file, ...args] = process.argv.slice(2)
if (file === undefined) fail('Usage: node scripts/run.mjs <file.ts> [arguments]')
const path = resolve(root, file)
if (!existsSync(path)) fail(`There is no file ${file}`)
await setUp()
widenSearchPath()
process.exitCode = await runTypeScript(path, args)
