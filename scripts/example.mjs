/** `npm run example [-- <name> [args]]`: runs an example; without a name, lists them (`--paths`: their files only). */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fail, root, widenSearchPath } from './process.mjs'
import { runTypeScript, setUp } from './setup.mjs'

/** Every example: `examples/<name>.ts` or `examples/<name>/main.ts`. The tour is `npm start`. */
function examples() {
  const found = new Map()
  for (const entry of readdirSync(join(root, 'examples'), { withFileTypes: true })) {
    const path = join('examples', entry.name, 'main.ts')
    if (entry.isFile() && entry.name.endsWith('.ts')) found.set(entry.name.slice(0, -3), join('examples', entry.name))
    else if (entry.name !== 'tour' && existsSync(join(root, path))) found.set(entry.name, path)
  }
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** The first sentence of the comment at the top of a file. */
function summary(file) {
  const comment = /^\/\*\*([\s\S]*?)\*\/|^((?:\/\/.*\n)+)/.exec(readFileSync(join(root, file), 'utf8'))
  const text = (comment?.[1] ?? comment?.[2] ?? '').replace(/^\s*(\*|\/\/) ?/gm, '').trim()
  return text.split(/\n\s*\n|(?<=\.)\s/)[0].replace(/\s+/g, ' ')
}

const known = examples()
const [name, ...args] = process.argv.slice(2)
if (name === '--paths') {
  for (const path of known.values()) console.log(path)
} else if (name === undefined) {
  console.log('Run one with: npm run example -- <name>\n')
  const width = Math.max(0, ...[...known.keys()].map((key) => key.length))
  for (const [key, path] of known) console.log(`  ${key.padEnd(width)}  ${summary(path)}`)
} else {
  const path = known.get(name)
  if (path === undefined) fail(`There is no example "${name}". There are: ${[...known.keys()].join(', ')}`)
  await setUp()
  widenSearchPath()
  process.exitCode = await runTypeScript(join(root, path), args)
}
