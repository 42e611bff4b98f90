import type { LoaderMany, LoaderManyContext } from '../../src/types.ts'
import { gate, type Gate } from './fake-node.ts'

export function keys(count: number, from = 0): string[] {
  return Array.from({ length: count }, (_, i) => `key:${from + i}`)
}

/** A loader that remembers what it was asked for. */
export function source(): { load: LoaderMany<string>; asked: string[][] } {
  const asked: string[][] = []
  return {
    asked,
    load: (missing) => {
      asked.push(missing)
      return Promise.resolve(missing.map((key) => [key, `value of ${key}`] as const))
    },
  }
}

/** A loader whose calls wait until a test lets them go on. */
export function held(): { load: LoaderMany<string>; calls: { keys: string[]; gate: Gate }[] } {
  const calls: { keys: string[]; gate: Gate }[] = []
  return {
    calls,
    load: async (missing) => {
      const one = { keys: missing, gate: gate() }
      calls.push(one)
      await one.gate.promise
      return missing.map((key) => [key, key] as const)
    },
  }
}

/** What a loader of many is given. */
export function context(signal: AbortSignal): LoaderManyContext {
  return { signal, ttl: () => {}, skip: () => {} }
}

/** Keys that count how many of them were taken, and whether they were told that no more are wanted. */
export async function* counted(count: number, taken: { count: number; ended: boolean }): AsyncGenerator<string> {
  try {
    for (const key of keys(count)) {
      taken.count++
      yield await Promise.resolve(key)
    }
  } finally {
    taken.ended = true
  }
}
