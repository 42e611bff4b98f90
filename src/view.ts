import { checkIterable } from './base/check.ts'
import { OptionError } from './base/errors.ts'
import type { CacheFace } from './face.ts'
import type { Entry } from './entry/entry.ts'
import type { Form } from './entry/form.ts'
import { manyLoader } from './loading/result.ts'
import type { Getter } from './one-get.ts'
import type { Operations } from './operations.ts'
import type { EntryInfo } from './types.ts'
import { warmKeys, type WarmFace } from './warm.ts'
import { wrapFunction, wrapManyFunction } from './wrap.ts'

/**
 * The face of one view: the cache itself, or a space of it. Its methods are bound and may be passed around.
 *
 * @param withSchema makes the face of the same view with another schema
 */
export function createFace<V>(operations: Operations, withSchema: (schema: unknown) => CacheFace<V>): CacheFace<V> {
  const faceWith = (schema: unknown): CacheFace<V> => (schema === undefined ? face : withSchema(schema))
  const value = operations.getter(valueOf)
  const presence = operations.getter((entry) => entry?.kind === 'value')
  const whole = operations.getter(
    (entry, source) =>
      entry && entryInfo(entry, source, operations.settings.form, operations.house.settings.clock.now()),
    { ...operations.settings.policy, earlyRefresh: 0 },
  )
  const face: CacheFace<V> = {
    get: <T extends V = V>(key: string, options?: object) =>
      operations.findOne(key, options, value as Getter<T | undefined>),
    async getMany<T extends V = V>(keys: Iterable<string>, options?: object) {
      // One table for which keys there are, and for what came of them.
      const values = new Map<string, T>()
      for (const key of checkIterable(keys, 'keys')) values.set(key as string, undefined as T)
      await operations.find(values.keys(), options, (name, entry) => {
        if (entry?.kind === 'value') values.set(name, entry.value as T)
        else values.delete(name)
      })
      return values
    },
    getEntry: <T extends V = V>(key: string, options?: object) =>
      operations.findOne(key, options, whole as Getter<EntryInfo<T> | undefined>),
    has: (key, options) => operations.findOne(key, options, presence),
    set: (key, value, options) => operations.writeOne(key, value, options),
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
    async expire(key, options) {
      const [result] = await operations.expire([key], options)
      return result!
    },
    getOrLoad: <T extends V | undefined = V>(key: string, load: unknown, options?: object) =>
      operations.loadOne(key, load, options) as Promise<T>,
    async getOrLoadMany<T extends V = V>(keys: Iterable<string>, load: unknown, options?: object) {
      const names = distinct(keys)
      const values = await operations.load(names, manyLoader(load), options)
      const loaded = new Map<string, T>()
      for (const [i, name] of [...names].entries()) if (values[i] !== undefined) loaded.set(name, values[i] as T)
      return loaded
    },
    wrap: (run, options) => wrapFunction(faceWith, run, options),
    wrapMany: (run, options) => wrapManyFunction(faceWith, run, options),
    warm: (keys, load, options) => {
      const { house, settings } = operations
      const view = { clock: house.settings.clock, policy: settings.policy }
      return warmKeys(face as WarmFace, keys, load, view, options)
    },
    peek: <T extends V = V>(key: string) => operations.peek(key) as T | undefined,
    explain: (key) => operations.explain(key),
  }
  return face
}

function valueOf(entry: Entry | undefined): unknown {
  return entry?.value
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

/** A found entry as callers see it. */
function entryInfo(
  { kind, value, times: own }: Entry,
  source: string,
  { format }: Form,
  now: number,
): EntryInfo<unknown> {
  // L1 knows when this process wrote an entry; on the node it carries no times.
  const times = format === 'raw' ? undefined : own
  const state = times && times.freshUntil <= now ? 'stale' : kind === 'negative' ? 'negative' : 'fresh'
  return {
    value,
    state,
    source,
    ...(times && { writtenAt: times.writtenAt, freshUntil: times.freshUntil }),
  }
}
