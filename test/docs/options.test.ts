import { join } from 'node:path'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import type { LoadPolicy } from '../../src/loading/policy.ts'
import { checkCacheOptions, type Settings } from '../../src/options.ts'
import { page, root, table } from './markdown.ts'

const program = ts.createProgram(
  ['index.ts', 'redis/index.ts', 'memcached/index.ts'].map((file) => join(root, 'src', file)),
  {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    strict: true,
    allowImportingTsExtensions: true,
    noEmit: true,
  },
)
const checker = program.getTypeChecker()

/** The options of an interface that an entry exports. */
function optionsOf(file: string, name: string): string[] {
  const symbol = exported(file, name)
  return names(checker.getDeclaredTypeOfSymbol(symbol))
}

/** The options that a function takes as its last argument. */
function optionsOfLast(file: string, name: string): string[] {
  const symbol = exported(file, name)
  const [signature] = checker.getTypeOfSymbol(symbol).getCallSignatures()
  const last = signature?.getParameters().at(-1)
  if (last === undefined) throw new Error(`${name} takes nothing`)
  return names(checker.getNonNullableType(checker.getTypeOfSymbol(last)))
}

function exported(file: string, name: string): ts.Symbol {
  const source = program.getSourceFile(join(root, 'src', file))
  const module = source && checker.getSymbolAtLocation(source)
  const found = module && checker.getExportsOfModule(module).find((each) => each.name === name)
  if (found === undefined) throw new Error(`${file} exports no ${name}`)
  return found.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(found) : found
}

function names(type: ts.Type): string[] {
  return type
    .getProperties()
    .map((property) => property.name)
    .sort()
}

const readme = page('README.md')

/** The options that a table of the README names; those ticked in a column only, if one is given. */
function listed(heading: string, column?: string): string[] {
  return table(readme, heading)
    .filter((row) => column === undefined || row[column] === '✓')
    .map((row) => (row['option'] ?? '').replaceAll('`', ''))
    .sort()
}

describe('the tables of options in the README', () => {
  it.each([
    ['Options of create', 'index.ts', 'CacheOptions'],
    ['Options of space', 'index.ts', 'SpaceOptions'],
    ['Options of L1', 'index.ts', 'L1Options'],
  ])('%s: has all and only those of %s', (heading, file, name) => {
    expect(listed(heading)).toEqual(optionsOf(file, name))
  })

  it.each([
    ['read', 'index.ts', 'ReadOptions'],
    ['set', 'index.ts', 'WriteOptions'],
    ['delete', 'index.ts', 'CallOptions'],
    ['getOrLoad', 'index.ts', 'LoadOptions'],
    ['wrap', 'index.ts', 'WrapOptions'],
  ])('Options of a call: ticks for %s those of %s', (column, file, name) => {
    expect(listed('Options of a call', column)).toEqual(optionsOf(file, name))
  })

  it.each([
    ['redisNode', 'redis/index.ts'],
    ['memcachedNode', 'memcached/index.ts'],
    ['memoryNode', 'index.ts'],
    ['customNode', 'index.ts'],
  ])('Options of nodes: ticks for %s those of %s', (name, file) => {
    expect(listed('Options of nodes', name)).toEqual(optionsOfLast(file, name))
  })

  it('Options of nodes and of a call: name no option that nobody takes', () => {
    for (const heading of ['Options of nodes', 'Options of a call']) {
      for (const row of table(readme, heading)) expect(Object.values(row)).toContain('✓')
    }
  })

  it('gives the defaults of create as they are', () => {
    const settings = checkCacheOptions({ nodes: [] })
    const rows = new Map(table(readme, 'Options of create').map((row) => [row['option'], row['default']]))
    const shown = (name: keyof Settings | keyof LoadPolicy): unknown => rows.get(`\`${name}\``)?.replaceAll(/[`']/g, '')
    expect([shown('ttl'), settings.policy.ttl]).toEqual(['5m', 5 * 60_000])
    expect([shown('hardTimeout'), settings.policy.hardTimeout]).toEqual(['30s', 30_000])
    expect([shown('nodeTimeout'), settings.nodeTimeout]).toEqual(['250ms', 250])
    for (const name of ['reads', 'points', 'onNodeError'] as const) expect(shown(name)).toBe(String(settings[name]))
    expect(shown('format' as keyof Settings)).toBe(settings.form.format)
    expect([shown('compression' as keyof Settings), settings.form.compression]).toEqual(['false', undefined])
    expect([shown('maxInflatedBytes' as keyof Settings), settings.form.maxInflatedBytes]).toEqual([
      '64 MiB',
      64 * 2 ** 20,
    ])
    for (const name of ['l1', 'zone'] as const) expect(settings[name]).toBeUndefined()
    expect(settings.policy.negativeTtl).toBeUndefined()
    expect(settings.namespace).toBe('')
  })

  it('has all and only those of compression, with their defaults, where values are explained', () => {
    const rows = table(page('docs/keys-and-values.md'), 'Compression', 'default')
    const shown = new Map(rows.map((row) => [row['option']?.replaceAll('`', ''), row['default']?.replaceAll('`', '')]))
    expect(new Set(shown.keys())).toEqual(new Set(optionsOf('index.ts', 'CompressionOptions')))
    expect([...shown.values()]).toEqual(['1_024', "'deflate'", '1; 3'])
    expect(checkCacheOptions({ nodes: [], compression: {} }).form.compression).toEqual({
      above: 1_024,
      method: 'deflate',
      level: 1,
    })
  })

  it('names all TLS options where nodes are explained', () => {
    const { text } = page('docs/nodes.md')
    for (const name of optionsOf('redis/index.ts', 'RedisTlsOptions')) expect(text).toContain(`\`${name}\``)
  })
})
