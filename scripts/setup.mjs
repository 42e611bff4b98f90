/**
 * What every command of this repository needs before it can run, on a fresh clone too: a recent Node, the dependencies
 * that package-lock.json names, a build that matches the sources. Uses nothing but what Node brings.
 *
 * As a command: `node scripts/setup.mjs`, with `--install-only` to leave out the build.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { fail, npm, root, run } from './process.mjs'

const CACHE = join(root, 'node_modules', '.cache', 'sharded-cache')
const STAMP = join(CACHE, 'built-from')
const ENTRIES = ['index', 'redis', 'memcached', 'testing']

/** Checks Node, installs and builds what is missing or stale. */
export async function setUp() {
  checkNode()
  await ensureInstalled()
  await ensureBuilt()
}

/** Ends the process with a clear message when Node is older than the package supports. */
export function checkNode(version = process.versions.node) {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major > 20 || (major === 20 && minor >= 19)) return
  fail(`sharded-cache needs Node 20.19 or newer; this is Node ${version}. See https://nodejs.org`)
}

/**
 * Runs `npm ci` in a folder when what is installed there is not what its package-lock.json names.
 *
 * @param options `optional`: say that it failed and go on, instead of ending the process
 */
export async function ensureInstalled(folder = root, { optional = false } = {}) {
  const why = whyInstall(folder)
  if (why === undefined) return
  const place = folder === root ? '' : ` of ${relative(root, folder)}`
  console.error(`Installing the dependencies${place} (${why}) …`)
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error']
  const { code, output } = await npm(args, { quiet: true, cwd: folder })
  if (code === 0) return
  if (!optional) fail(`npm ci failed:\n${output}`)
  console.error(`npm ci failed, so what was to be installed is left out:\n${output}`)
}

function whyInstall(folder) {
  const list = join(folder, 'node_modules', '.package-lock.json')
  if (!existsSync(list)) return 'there are none yet'
  const installed = readJson(list).packages
  const wanted = Object.entries(readJson(join(folder, 'package-lock.json')).packages)
  for (const [path, { version, optional, devOptional }] of wanted) {
    if (path === '') continue
    const found = existsSync(join(folder, path)) ? installed[path] : undefined
    // An optional package may be for another platform.
    if (found === undefined ? !optional && !devOptional : found.version !== version)
      return `${path.replace(/^.*node_modules\//, '')} ${version} is missing`
  }
  return undefined
}

/** Builds `dist` when it is missing or was built from other sources. Several processes may ask at the same time. */
export async function ensureBuilt() {
  if (isBuilt()) return
  await underLock(join(CACHE, 'lock'), async () => {
    if (isBuilt()) return
    console.error('Building the package …')
    rmSync(STAMP, { force: true })
    const from = sourceHash()
    const tsup = join(root, 'node_modules', 'tsup', 'dist', 'cli-default.js')
    const { code, output } = await run(process.execPath, [tsup], { quiet: true })
    if (code !== 0) throw new Error(`The build failed:\n${output}`)
    writeFileSync(STAMP, from)
  }).catch((error) => fail(error.message))
}

function isBuilt() {
  const complete = ENTRIES.every((entry) =>
    ['js', 'cjs', 'd.ts', 'd.cts'].every((type) => existsSync(join(root, 'dist', `${entry}.${type}`))),
  )
  return complete && existsSync(STAMP) && readFileSync(STAMP, 'utf8') === sourceHash()
}

// The content, not the time: checking out another branch changes files without making them newer than the build.
function sourceHash() {
  const sources = readdirSync(join(root, 'src'), { recursive: true })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join('src', name))
  const hash = createHash('sha256')
  for (const file of [...sources.toSorted(), 'package.json', 'tsconfig.json', 'tsup.config.ts'])
    hash.update(`${file}\0`).update(readFileSync(join(root, file)))
  return hash.digest('hex')
}

async function underLock(lock, work) {
  mkdirSync(CACHE, { recursive: true })
  const end = Date.now() + 180_000
  while (!takes(lock)) {
    if (Date.now() > end) throw new Error(`Another build is still running; if there is none, remove ${lock}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  try {
    await work()
  } finally {
    rmSync(lock, { force: true })
  }
}

function takes(lock) {
  try {
    writeFileSync(lock, `${process.pid}`, { flag: 'wx' })
    return true
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
  }
  try {
    const holder = Number(readFileSync(lock, 'utf8'))
    if (holder > 0) process.kill(holder, 0)
  } catch (error) {
    if (error.code === 'ESRCH') rmSync(lock, { force: true }) // The holder was killed.
  }
  return false
}

/** Runs a TypeScript file of the repository through tsx; resolves to its exit code. */
export async function runTypeScript(file, args) {
  const tsx = pathToFileURL(join(root, 'node_modules', 'tsx', 'dist', 'loader.mjs')).href
  return (await run(process.execPath, ['--import', tsx, file, ...args])).code
}

function readJson(file) {
  return JSON.parse(readFileSync(file, 'utf8'))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  checkNode()
  await ensureInstalled()
  if (!process.argv.includes('--install-only')) await ensureBuilt()
}
