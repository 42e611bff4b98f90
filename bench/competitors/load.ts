import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

/**
 * Loads a package of this folder. Here, and by a name that only a run knows, because the repository's checks must not
 * need what is installed in this folder; so the caller says of which shape it is, as far as it uses it.
 */
export async function load<M>(name: string): Promise<M> {
  return (await import(name)) as M
}

/** The same for a CommonJS package. */
export function loadCommon<M>(name: string): M {
  return createRequire(import.meta.url)(name) as M
}

/** The version of a package of this folder; `undefined` when it is not installed. */
export function competitorVersion(name: string): string | undefined {
  try {
    const text = readFileSync(new URL(`./node_modules/${name}/package.json`, import.meta.url), 'utf8')
    return (JSON.parse(text) as { version: string }).version
  } catch {
    return undefined
  }
}
