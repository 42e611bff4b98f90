import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { quickStart } from './quick-start.ts'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
const ENTRIES = ['index', 'memcached', 'redis', 'testing']
// What colours the output of a test run would colour, and warn about, the program's.
const { FORCE_COLOR: _, NO_COLOR: __, NODE_OPTIONS: ___, ...ENV } = process.env
const TYPES = ['js', 'cjs', 'd.ts', 'd.cts']

/** An empty folder, into which the tarball was installed. */
let folder: string
let installed: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sharded-cache-consumer-'))
  await run(process.execPath, [join(root, 'scripts', 'setup.mjs')])
  await run('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], { cwd: root })
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'))
  writeFileSync(join(folder, 'package.json'), '{ "private": true }')
  const quiet = ['--no-audit', '--no-fund', '--prefix', folder]
  await run('npm', ['install', `./${tarball}`, 'ioredis', 'memjs', ...quiet], { cwd: folder })
  installed = join(folder, 'node_modules', 'sharded-cache')
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

function filesIn(path: string): string[] {
  return readdirSync(path).sort()
}

/** The files of `dist` that a file of it imports. */
function importsOf(file: string): string[] {
  const text = readFileSync(join(installed, 'dist', file), 'utf8')
  const names = [...text.matchAll(/(?:from|import|require\()\s*['"]\.\/([^'"]+)['"]/g)].map((match) => match[1] ?? '')
  return /\.d\.c?ts$/.test(file) ? names.map((name) => name.replace(/\.(c?)js$/, '.d.$1ts')) : names
}

describe('the tarball', () => {
  it('holds the build and three texts, nothing else', () => {
    expect(filesIn(installed)).toEqual(['CHANGELOG.md', 'LICENSE', 'README.md', 'dist', 'package.json'])
  })

  it('holds four entries in two formats with their types, what they share, and nothing else', () => {
    const entries = ENTRIES.flatMap((name) => TYPES.map((type) => `${name}.${type}`))
    const reached = new Set<string>()
    const walk = (file: string): void => {
      if (reached.has(file)) return
      reached.add(file)
      importsOf(file).forEach(walk)
    }
    entries.forEach(walk)
    expect(filesIn(join(installed, 'dist'))).toEqual([...reached].sort())
    for (const shared of [...reached].filter((file) => !entries.includes(file)))
      expect(shared).toMatch(/^(chunk-[A-Z0-9]{8}\.c?js|[\w-]+-[\w-]{8}\.d\.c?ts)$/)
  })

  it('runs nothing when it is installed, and brings two packages', () => {
    const { scripts, dependencies, bundleDependencies, bin } = JSON.parse(
      readFileSync(join(installed, 'package.json'), 'utf8'),
    ) as Record<string, Record<string, string> | undefined>
    const atInstall = ['preinstall', 'install', 'postinstall', 'prepare', 'preprepare', 'postprepare', 'prepublish']
    expect(Object.keys(scripts ?? {}).filter((name) => atInstall.includes(name))).toEqual([])
    expect(Object.keys(dependencies ?? {}).sort()).toEqual(['lru-cache', 'xxhash-wasm'])
    expect([bundleDependencies, bin]).toEqual([undefined, undefined])
  })
})

describe('the quick start of the README, in an empty folder', () => {
  it.each(['esm', 'cjs'] as const)('prints what it says, as %s', async (form) => {
    const example = quickStart(readFileSync(join(root, 'README.md'), 'utf8'))
    const file = join(folder, form === 'esm' ? 'quick-start.mjs' : 'quick-start.cjs')
    writeFileSync(file, example[form])
    const { stdout, stderr } = await run(process.execPath, [file], { cwd: folder, timeout: 15_000, env: ENV })
    expect(stdout.trim().split('\n')).toEqual(example.prints)
    expect(stderr).toBe('')
  })
})
