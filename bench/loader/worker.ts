import { setTimeout as sleep } from 'node:timers/promises'
import { serve } from '../kit/child.ts'
import type { LoadingCache, Server } from '../kit/loading-cache.ts'
import { DOWN, MISSING } from './contenders.ts'

/** What the benchmark asks of a contender's process. */
export type Order =
  | { readonly open: string; readonly server: Server }
  | {
      readonly inFlight: number
      readonly ms: number
      /** Whether what was loaded has to be there afterwards. */
      readonly kept: boolean
    }
  | { readonly close: true }

const USER = { id: 7, name: 'Ada Lovelace', email: 'ada@example.org', tags: ['a', 'b'] }
/** How many calls of a chain there are between two looks at the clock. */
const STEPS = 4
/** How often a round is done again that was none, and how long a write may still be under way, in milliseconds. */
const ATTEMPTS = 20
const PAUSE = 50

let cache: LoadingCache
let next = 0

/** @returns microseconds per call, where that is asked; 0 otherwise */
async function obey(order: Order): Promise<number> {
  if ('open' in order) {
    const contender = [...MISSING, ...DOWN].find(({ name }) => name === order.open)
    if (!contender) throw new Error(`there is no contender ${order.open}`)
    cache = await contender.open(order.server)
    await check(contender.name)
    return 0
  }
  if ('close' in order) {
    await cache.close()
    return 0
  }
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const time = await measure(order)
    if (!order.kept || (await isKept(`user:${process.pid}:${next - 1}`))) return time
  }
  throw new Error(`in ${ATTEMPTS} attempts it kept nothing`)
}

/** A cache that gave up on its server in time, on a machine that stood still for a moment, was not measured at all. */
async function isKept(key: string): Promise<boolean> {
  let loads = 0
  await sleep(PAUSE)
  await cache.getOrLoad(key, () => {
    loads++
    return Promise.resolve(USER)
  })
  return loads === 0
}

async function check(name: string): Promise<void> {
  const user = (await cache.getOrLoad(`checked:${process.pid}`, () => Promise.resolve(USER))) as typeof USER
  if (user.id !== USER.id) throw new Error(`${name}: that is not the user`)
}

async function measure({ inFlight, ms }: { readonly inFlight: number; readonly ms: number }): Promise<number> {
  const load = (): Promise<unknown> => Promise.resolve(USER)
  let calls = 0
  const start = performance.now()
  const end = start + ms
  const chain = async (): Promise<void> => {
    while (performance.now() < end) {
      for (let step = 0; step < STEPS; step++) await cache.getOrLoad(`user:${process.pid}:${next++}`, load)
      calls += STEPS
      // A loader that waits for nothing lets no timer and no socket have its turn.
      await new Promise(setImmediate)
    }
  }
  await Promise.all(Array.from({ length: inFlight }, chain))
  return ((performance.now() - start) * 1_000) / calls
}

serve(obey)
