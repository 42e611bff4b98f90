import { below, pick, pickWeighted, seeded } from './random.ts'
import type { Call, Watch } from './watch.ts'

/** A mix of calls. It ends after `ms` or `calls`, or when `during` is done; at least one of them is given. */
export interface TrafficOptions {
  ms?: number
  calls?: number
  /** Runs beside the traffic, which ends with it. */
  during?: () => Promise<unknown>
  /** How often each call is drawn, relative to the others; see {@link MIX}. */
  mix?: Partial<Record<Call, number>>
  /** 20 keys unless given. */
  keys?: readonly string[]
  /** How many callers there are, each of which waits for its call before the next; 8 unless given. */
  callers?: number
  /** Of the choices; 1 unless given. */
  seed?: number
}

export const MIX: Readonly<Record<Call, number>> = { get: 4, getOrLoad: 4, getMany: 1, set: 1, delete: 1 }

/** The keys `key-0`, `key-1`, … */
export function keysNamed(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `key-${index}`)
}

/** Runs a mix of calls; resolves when all of them have settled. */
export async function runTraffic(watch: Watch, options: TrafficOptions): Promise<void> {
  const { ms = Infinity, calls = Infinity, mix = MIX, keys = keysNamed(20), callers = 8, seed = 1 } = options
  if (ms === Infinity && calls === Infinity && !options.during) throw new Error('this traffic would never end')
  const random = seeded(seed)
  const end = performance.now() + ms
  let left = calls
  let over = false
  const during = options.during?.().finally(() => (over = true))
  // What went wrong beside it is told when the traffic has ended.
  during?.catch(() => {})

  const call = async (): Promise<unknown> => {
    const key = pick(random, keys)
    switch (pickWeighted(random, mix)) {
      case 'get':
        return watch.get(key)
      case 'getOrLoad':
        return watch.getOrLoad(key)
      case 'set':
        return watch.set(key)
      case 'delete':
        return watch.delete(key)
      case 'getMany': {
        const from = below(random, keys.length)
        return watch.getMany([...keys.slice(from), ...keys.slice(0, from)].slice(0, 8))
      }
    }
  }
  await Promise.all(
    Array.from({ length: callers }, async () => {
      while (!over && left-- > 0 && performance.now() < end) {
        await call()
        // Calls that L1 answers never leave this turn of the event loop.
        await new Promise((resolve) => setImmediate(resolve))
      }
    }),
  )
  await during
}
