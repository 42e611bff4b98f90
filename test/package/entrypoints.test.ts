import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
const dist = pathToFileURL(join(root, 'dist/')).href

/** What the package itself loads, and every package that came with it. */
interface Loaded {
  byUs: string[]
  all: string[]
}

async function loaded(way: 'import' | 'require', entry: string): Promise<Loaded> {
  const recorder = fileURLToPath(new URL('load-recorder.mjs', import.meta.url))
  const { stdout } = await run(process.execPath, [recorder, way, `sharded-cache${entry.slice(1)}`])
  const lines = stdout.split('\n').map((line) => line.split('\t'))
  expect(lines.some(([, file]) => file?.startsWith(dist))).toBe(true)
  const packages = (those: string[][]): string[] => {
    const names = those.map(([, file]) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file ?? '')?.[1])
    return [...new Set(names.filter((name) => name !== undefined))].sort()
  }
  return { byUs: packages(lines.filter(([by]) => by?.startsWith(dist))), all: packages(lines) }
}

const core = ['lru-cache', 'xxhash-wasm']
const entries = [
  { entry: '.', may: core, must: core },
  { entry: './redis', may: [...core, 'ioredis'], must: ['ioredis'] },
  { entry: './memcached', may: [...core, 'memjs'], must: ['memjs'] },
  { entry: './testing', may: core, must: [] },
]

describe('what the built package loads', () => {
  beforeAll(() => run(process.execPath, [join(root, 'scripts', 'setup.mjs')]))

  describe.each(entries)('$entry', ({ entry, may, must }) => {
    it.each(['import', 'require'] as const)('by %s: its own packages, and no other', async (way) => {
      const { byUs, all } = await loaded(way, entry)
      expect(may).toEqual(expect.arrayContaining(byUs))
      expect(byUs).toEqual(expect.arrayContaining(must))
      for (const foreign of ['ioredis', 'memjs', 'vitest'])
        if (!may.includes(foreign)) expect(all).not.toContain(foreign)
    })

    it('has types for both formats', () => {
      const name = entry === '.' ? 'index' : entry.slice(2)
      for (const type of ['d.ts', 'd.cts']) expect(existsSync(join(root, 'dist', `${name}.${type}`))).toBe(true)
    })
  })

  it('is seen by the recorder, whichever way it comes', async () => {
    for (const way of ['import', 'require'] as const)
      expect((await loaded(way, './redis')).all).toEqual(expect.arrayContaining(['ioredis', 'denque']))
  })
})
