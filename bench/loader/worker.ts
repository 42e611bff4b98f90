import { serve } from '../kit/child.ts'
import type { LoadingCache, Server } from '../kit/loading-cache.ts'
import { DOWN, MISSING } from './contenders.ts'
import { DIRECT } from './names.ts'

/** What the benchmark asks of a contender's process. */
export type Order =
  | { readonly open: string; readonly server: Server }
  | { readonly inFlight: number; readonly ms: number }
  | { readonly close: true }

const USER = { id: 7, name: 'Ada Lovelace', email: 'ada@example.org', tags: ['a', 'b'] }
/** How many calls of a chain there are between two looks at the clock. */
const STEPS = 4

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
  return measure(order)
}

/** Everybody but the loader itself loads a key once. */
async function check(name: string): Promise<void> {
  let loads = 0
  for (let i = 0; i < 2; i++) {
    const user = (await cache.getOrLoad(`checked:${process.pid}`, () => {
      loads++
      return Promise.resolve(USER)
    })) as typeof USER
    if (user.id !== USER.id) throw new Error(`${name}: that is not the user`)
    // Some write after they answered.
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  if (loads !== (name === DIRECT ? 2 : 1)) throw new Error(`${name} loaded ${loads} times`)
}

async function measure({ inFlight, ms }: { inFlight: number; ms: number }): Promise<number> {
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
