import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

interface Package {
  version?: string
  resolved?: string
  dependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
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
