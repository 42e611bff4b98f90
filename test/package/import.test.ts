import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
const spy = fileURLToPath(new URL('import-spy.mjs', import.meta.url))

interface Deed {
  what: string
  /** The file that did it. */
  by: string
}

async function deeds(way: 'import' | 'require', name: string): Promise<Deed[]> {
  const { stdout, stderr } = await run(process.execPath, [spy, way, name], { cwd: root })
  expect(stderr).toBe('')
  return JSON.parse(stdout) as Deed[]
}

describe('importing the package', () => {
  beforeAll(() => run(process.execPath, [join(root, 'scripts', 'setup.mjs')]))

  it.each([
    ['sharded-cache', []],
    ['sharded-cache/testing', []],
    ['sharded-cache/memcached', []],
    // What ioredis brings decides by DEBUG whether it logs.
    ['sharded-cache/redis', ['debug', 'supports-color']],
  ] as [string, string[]][])('%s opens nothing, starts nothing, and reads no environment', async (name, readers) => {
    for (const way of ['import', 'require'] as const) {
      const done = await deeds(way, name)
      const strange = done.filter(
        ({ what, by }) =>
          !(what.startsWith('env ') && readers.some((reader) => by.includes(`/node_modules/${reader}/`))),
      )
      expect(strange).toEqual([])
    }
  })

  it.each(['import', 'require'] as const)('is seen by the spy, by %s: the control', async (way) => {
    const done = await deeds(way, fileURLToPath(new URL('import-busy.cjs', import.meta.url)))
    for (const what of ['env SECRET_OF_TEST', 'connect', 'lookup', 'spawn', 'timer', 'listener', 'write'])
      expect(done.map((deed) => deed.what)).toContain(what)
  })
})
