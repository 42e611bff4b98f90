import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

interface Package {
  version?: string
  resolved?: string
  dependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
  integrity?: string
  hasInstallScript?: boolean
  dev?: boolean
  devOptional?: boolean
}

const lock = readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8')
const packages = (JSON.parse(lock) as { packages: Record<string, Package> }).packages

/** Whether a package would find another one in its own `node_modules` or in one above. */
function finds(from: string, name: string): boolean {
  const folders = from
    .split('/node_modules/')
    .map((_, depth, parts) => parts.slice(0, depth + 1).join('/node_modules/'))
  return ['', ...folders].some((folder) => packages[`${folder === '' ? '' : `${folder}/`}node_modules/${name}`])
}

// npm leaves out what the registry at hand does not have for another platform; `npm ci` then fails, everywhere.
it('package-lock.json is complete for every platform', () => {
  const missing = Object.entries(packages).flatMap(([from, { dependencies, optionalDependencies }]) =>
    Object.keys({ ...dependencies, ...optionalDependencies })
      .filter((name) => !finds(from, name))
      .map((name) => `${name} for ${from}`),
  )
  expect(missing).toEqual([])
})

it('package-lock.json names no registry: everybody uses their own', () => {
  expect(Object.keys(packages).filter((name) => packages[name]?.resolved !== undefined)).toEqual([])
})

const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as Record<
  string,
  unknown
>

it('package-lock.json is in step with package.json', () => {
  const { '': own } = packages as Record<string, Record<string, unknown>>
  const fields = [
    'name',
    'version',
    'dependencies',
    'devDependencies',
    'peerDependencies',
    'peerDependenciesMeta',
    'engines',
  ]
  for (const field of fields) expect(own?.[field], `${field}`).toEqual(manifest[field])
})

it('what comes with the package is known by its content, and runs nothing when it is installed', () => {
  const shipped = Object.entries(packages).filter(([name, each]) => name !== '' && !each.dev && !each.devOptional)
  expect(shipped.map(([name]) => name).sort()).toEqual(['node_modules/lru-cache', 'node_modules/xxhash-wasm'])
  for (const [name, { integrity, hasInstallScript }] of shipped) {
    expect(integrity, `${name}`).toMatch(/^sha512-/)
    expect(hasInstallScript, `${name}`).toBeUndefined()
  }
})

it('that of the competitors of the benchmarks names no registry either, and is in step', () => {
  const read = (name: string): unknown =>
    JSON.parse(readFileSync(new URL(`../../bench/competitors/${name}`, import.meta.url), 'utf8'))
  const { '': own, ...others } = (read('package-lock.json') as { packages: Record<string, Package> }).packages
  expect(Object.keys(others).filter((name) => others[name]?.resolved !== undefined)).toEqual([])
  expect(Object.keys(others).filter((name) => !others[name]?.integrity?.startsWith('sha512-'))).toEqual([])
  expect(own?.dependencies).toEqual((read('package.json') as Package).dependencies)
})
