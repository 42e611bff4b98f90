import { checkIterable } from './base/check.ts'
import { OptionError } from './base/errors.ts'
import type { CacheFace } from './face.ts'
import { manyLoader, oneLoader } from './loading/result.ts'
import { entryInfo, type Operations } from './operations.ts'
import type { EntryInfo } from './types.ts'
import { wrapFunction } from './wrap.ts'

/** The face of one view: the cache itself, or a space of it. Its methods are bound and may be passed around. */
export function createFace<V>(operations: Operations): CacheFace<V> {
  const face: CacheFace<V> = {
    get: <T extends V = V>(key: string, options?: object) =>
      operations.findOne(key, options, ({ entry }) => entry?.value as T | undefined),
    async getMany<T extends V = V>(keys: Iterable<string>, options?: object) {
      const hits = new Map<string, T>()
      for (const { target, found } of await operations.find(distinct(keys), options)) {
        if (found.entry?.kind === 'value') hits.set(target.name, found.entry.value as T)
      }
      return hits
    },
    getEntry: <T extends V = V>(key: string, options?: object) =>
      operations.findOne(
        key,
        options,
        (found) => entryInfo(found, operations.settings.form) as EntryInfo<T> | undefined,
      ),
    has: (key, options) => operations.findOne(key, options, ({ entry }) => entry?.kind === 'value'),
    async set(key, value, options) {
      const [result] = await operations.write(new Map([[key, value]]), options)
      return result!
    },
    async setMany(entries, options) {
      const values = pairs(entries)
      return zip(values.keys(), await operations.write(values, options))
    },
    async delete(key, options) {
      const [result] = await operations.remove([key], options)
      return result!
    },
    async deleteMany(keys, options) {
      const names = distinct(keys)
      return zip(names, await operations.remove(names, options))
    },
    expire: (key, options) => face.delete(key, options),
    getOrLoad<T extends V | undefined = V>(key: string, load: unknown, options?: object) {
      try {
        return operations.loadOne(key, oneLoader(load), options) as Promise<T>
      } catch (error) {
        return Promise.reject(error as Error)
      }
    },
    async getOrLoadMany<T extends V = V>(keys: Iterable<string>, load: unknown, options?: object) {
      const names = distinct(keys)
      const values = await operations.load(names, manyLoader(load), options)
      const loaded = new Map<string, T>()
      for (const [i, name] of [...names].entries()) if (values[i] !== undefined) loaded.set(name, values[i] as T)
      return loaded
    },
    wrap: (run, options) => wrapFunction(face, run, options),
    peek: <T extends V = V>(key: string) => operations.peek(key) as T | undefined,
    explain: (key) => operations.explain(key),
  }
  return face
}

function distinct(keys: unknown): Set<string> {
  return new Set(checkIterable(keys, 'keys') as Iterable<string>)
}

function pairs(entries: unknown): Map<string, unknown> {
  const values = new Map<string, unknown>()
  for (const entry of checkIterable(entries, 'entries')) {
    if (!Array.isArray(entry) || entry.length !== 2) {
      throw new OptionError('ERR_OPTION', `entries must be [key, value] pairs; given: ${typeof entry}`)
    }
    values.set(entry[0] as string, entry[1])
  }
  return values
}

function zip<T>(names: Iterable<string>, results: readonly T[]): Map<string, T> {
  return new Map(Array.from(names, (name, i) => [name, results[i] as T]))
}
