import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { homedir, hostname, tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))

interface PackedFile {
  path: string
  size: number
  mode: number
}

let files: PackedFile[]

beforeAll(async () => {
  await run(process.execPath, [join(root, 'scripts', 'setup.mjs')])
  const { stdout } = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: root })
  const [packed] = JSON.parse(stdout) as [{ files: PackedFile[] }]
  files = packed.files
})

const text = (path: string): string => readFileSync(join(root, path), 'utf8')

describe('what npm packs', () => {
  it('is exactly this: four entries in two formats with their types, the parts they share, and three texts', () => {
    const paths = files.map(({ path }) => path).sort()
    // The names of shared parts hold a hash of what is in them.
    const parts = /^dist\/(?:chunk-[A-Z0-9]{8}\.c?js|[\w-]+-[\w-]{8}\.d\.c?ts)$/
    const entries = ['index', 'memcached', 'redis', 'testing'].flatMap((entry) =>
      ['cjs', 'd.cts', 'd.ts', 'js'].map((type) => `dist/${entry}.${type}`),
    )
    expect(paths.filter((path) => !parts.test(path))).toEqual(
      ['CHANGELOG.md', 'LICENSE', 'README.md', ...entries, 'package.json'].sort(),
    )
  })

  it('has no tests, sources, maps, dotfiles, links or programs', () => {
    const paths = files.map(({ path }) => path)
    expect(paths.filter((path) => /(?:^|\/)\.|\.map$|\.test\.|^(?:src|test|bench|scripts|docs)\//.test(path))).toEqual(
      [],
    )
    expect(files.filter(({ mode }) => (mode & 0o111) !== 0)).toEqual([])
    expect(files.filter(({ size }) => size === 0)).toEqual([])
  })

  it('says nothing about the machine that built it', () => {
    const { username } = userInfo()
    const telling = [root.replace(/\/$/, ''), homedir(), tmpdir(), `${hostname()}.`, `/${username}/`]
    for (const { path } of files) {
      const content = text(path)
      expect(
        telling.filter((word) => word.length > 2 && content.includes(word)),
        `${path}`,
      ).toEqual([])
      // The texts may show examples of paths.
      if (!path.startsWith('dist/')) continue
      expect(
        content.match(/file:\/\/|sourceMappingURL|(?:\/home|\/Users|\/root|\/tmp|[A-Z]:\\\\)[\w/\\.-]*/g),
        `${path}`,
      ).toBeNull()
    }
  })

  it('keeps constants and classes of modules constant, of which the bundler makes variables', () => {
    const programs = files.filter(({ path }) => /\.c?js$/.test(path)).map(({ path }) => text(path))
    expect(programs.flatMap((code) => code.match(/^var (?:[A-Z][A-Z\d_]* =|\w+ = class).*/gm) ?? [])).toEqual([])
    expect(programs.join('\n')).toMatch(/^const HEADER_BYTES = 56;$/m)
  })

  it('runs nothing of its own accord', () => {
    const { scripts = {}, gypfile } = JSON.parse(text('package.json')) as {
      scripts?: Record<string, string>
      gypfile?: boolean
    }
    const hooks =
      /^(?:pre|post)?(?:install|prepare|publish|pack|uninstall|version|dependencies|restart)$|^prepublishOnly$/
    expect(Object.keys(scripts).filter((name) => hooks.test(name))).toEqual([])
    expect(gypfile).toBeUndefined()
    for (const { path } of files.filter((file) => file.path.endsWith('js')))
      expect(
        text(path).match(/(?<!\.)\beval\(|new Function\(|child_process|node:vm\b|node:worker_threads/g),
        `${path}`,
      ).toBeNull()
  })
})
