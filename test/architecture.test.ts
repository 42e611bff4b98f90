import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { tooLong, violations, type Sources } from './architecture.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

function filesOf(folder: string): Sources {
  const names = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
  const kept = names
    .map((name) => name.replaceAll('\\', '/'))
    .filter((name) => /\.m?ts$|\.mjs$/.test(name) && !name.includes('node_modules/'))
  return new Map(kept.map((name) => [name, readFileSync(join(root, folder, name), 'utf8')]))
}

describe('the house', () => {
  it('keeps its floors, has no import circle, and does nothing to the program around it', () => {
    expect(violations(filesOf('src'))).toEqual([])
  })

  it.each(['test', 'bench', 'examples', 'scripts'])('has no long file in %s', (folder) => {
    expect(tooLong(filesOf(folder))).toEqual([])
  })
})

describe('the checker of the house', () => {
  const house = {
    'index.ts': `export { ShardedCache } from './cache.ts'`,
    'cache.ts': `import { options } from './options.ts'\nimport { load } from './loading/load.ts'\nload(options)`,
    'options.ts': `export const options = {}`,
    'loading/load.ts': `import { randomBytes } from 'node:crypto'\nimport { check } from '../base/check.ts'`,
    'node/memory.ts': `import { LRUCache } from 'lru-cache'\nimport type { Spec } from './spec.ts'`,
    'node/spec.ts': `import { key } from '../entry/key.ts'\nimport type { Ring } from '../placement/ring.ts'`,
    'placement/ring.ts': `import { hash } from '../base/hash.ts'`,
    'entry/key.ts': `/** console.log(setInterval) */\nexport const key = 'process.exit'`,
    'base/hash.ts': `import xxhash from 'xxhash-wasm'`,
    'base/check.ts': ``,
    'redis/index.ts': `export { redisNode } from './node.ts'`,
    'redis/node.ts': `import { Redis } from 'ioredis'\nimport { LRU } from '../node/memory.ts'`,
    'testing/clock.ts': `import { ShardedCache } from '../cache.ts'`,
  }
  const check = (changes: Record<string, string>): string[] =>
    violations(new Map(Object.entries({ ...house, ...changes })))

  it('finds nothing in a house that is in order', () => {
    expect(check({})).toEqual([])
  })

  it.each([
    ['an import that runs up', { 'base/check.ts': `import { key } from '../entry/key.ts'` }, 'imports run down'],
    ['the same for a type', { 'base/check.ts': `import type { Key } from '../entry/key.ts'` }, 'imports run down'],
    ['a type in line', { 'base/check.ts': `type Key = import('../entry/key.ts').Key` }, 'imports run down'],
    ['a late import', { 'base/check.ts': `await import('../entry/key.ts')` }, 'imports run down'],
    ['a neighbour on the same floor', { 'entry/key.ts': `import '../placement/ring.ts'` }, 'imports run down'],
    ['the face from below', { 'loading/load.ts': `import { options } from '../options.ts'` }, 'imports run down'],
    ['a satellite from the core', { 'tier/l1.ts': `import '../redis/node.ts'` }, 'must not import a satellite'],
    ['a satellite from the index', { 'index.ts': `export * from './redis/node.ts'` }, 'must not import a satellite'],
    ['one satellite from another', { 'testing/clock.ts': `import '../redis/node.ts'` }, 'another satellite must not'],
    ['a room on no floor', { 'utils/misc.ts': `` }, 'on no floor'],
    ['a file that is not there', { 'base/check.ts': `import './gone.ts'` }, 'no file of src'],
    ['a barrel', { 'entry/all.ts': `export * from './key.ts'` }, 're-exports'],
    [
      'an import through a barrel',
      { 'redis/node.ts': `import { ShardedCache } from '../index.ts'` },
      'import the file',
    ],
    ['a client outside its satellite', { 'node/memory.ts': `import type { Redis } from 'ioredis'` }, 'only redis may'],
    ['an unknown package', { 'base/check.ts': `import _ from 'lodash'` }, 'which no file may'],
    ['output', { 'base/check.ts': `console.log('here')` }, 'uses console'],
    ['an exit', { 'base/check.ts': `process.exit(1)` }, 'uses process.exit'],
    ['an interval', { 'base/check.ts': `setInterval(() => {}, 1)` }, 'uses setInterval'],
    ['a long file', { 'base/check.ts': 'let a\n'.repeat(301) }, 'more than 300'],
    ['a file that imports itself', { 'base/check.ts': `import './check.ts'` }, 'import circle'],
  ])('finds %s', (_, changes, message) => {
    expect(check(changes)).toEqual([expect.stringContaining(message)])
  })

  it('finds a circle of types, and names its files', () => {
    const found = check({
      'base/check.ts': `import type { A } from './a.ts'`,
      'base/a.ts': `import type { B } from './b.ts'`,
      'base/b.ts': `export type C = import('./check.ts').Check`,
    })
    expect(found).toEqual(['import circle: base/check.ts → base/a.ts → base/b.ts → base/check.ts'])
  })

  it('accepts a file of exactly 300 lines', () => {
    expect(check({ 'base/check.ts': 'let a\n'.repeat(300) })).toEqual([])
  })
})
