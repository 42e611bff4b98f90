import { below, pick, pickWeighted, seeded } from '../random.ts'
import type { Subject } from './subject.ts'

const MIX = {
  get: 4,
  getMany: 2,
  getOrLoad: 4,
  getOrLoadMany: 1,
  wrapped: 1,
  foreign: 2,
  set: 1.5,
  setMany: 0.5,
  delete: 1,
  deleteMany: 0.5,
  invalidate: 0.2,
} as const

/** How many keys a call of many has at most. */
const MANY = 8
/** Between two calls of one caller, in milliseconds: at most. */
const PAUSE = 4

export interface CallsOptions {
  readonly seed: number
  readonly callers: number
  /** The keys that the cache changes, and those that another one does. */
  readonly keys: readonly string[]
  readonly foreign: readonly string[]
  stopped(): boolean
}

/** Callers that make calls of all kinds, one after the other; resolves when they have stopped and all has settled. */
export async function makeCalls(subject: Subject, options: CallsOptions): Promise<void> {
  const random = seeded(options.seed)
  const some = (keys: readonly string[]): string[] => {
    const from = below(random, keys.length)
    return Array.from({ length: 1 + below(random, MANY) }, (_, i) => keys[(from + i) % keys.length]!)
  }
  const call = (): Promise<unknown> => {
    const key = pick(random, options.keys)
    const kind = pickWeighted(random, MIX)
    switch (kind) {
      case 'foreign':
        return subject.getForeign(some(options.foreign))
      case 'getMany':
      case 'getOrLoadMany':
      case 'setMany':
      case 'deleteMany':
        return subject[kind](some(options.keys))
      default:
        return subject[kind](key)
    }
  }
  await Promise.all(
    Array.from({ length: options.callers }, async () => {
      while (!options.stopped()) {
        await call()
        await new Promise((resolve) => setTimeout(resolve, random() * PAUSE))
      }
    }),
  )
}
