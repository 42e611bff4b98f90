import { setImmediate as nextTurn } from 'node:timers/promises'
import { serve } from '../kit/child.ts'
import type { LoadingCache } from '../kit/loading-cache.ts'
import { ROWS, type Operation } from './contenders.ts'

/** What the benchmark asks of a contender's process. */
export type Order =
  { readonly row: string; readonly open: string } | { readonly measure: number } | { readonly close: true }

const KEYS = 1_000
/** How many calls there are in one turn of the event loop: timers, by which lru-cache knows the time, have to come round. */
const STEPS = 1_000
/** Through bytes: a text that was put together from pieces would be read more slowly. */
const keys = Array.from({ length: KEYS }, (_, i) =>
  Buffer.from(`user:${String(i).padStart(9, '0')}:abcd`).toString('latin1'),
)
const userOf = (i: number): object => ({ id: i, name: 'Ada Lovelace', email: `ada.${i}@example.org`, tags: ['a', 'b'] })
/** Where results go, so that they are not optimised away. */
const sink: { last: unknown } = { last: undefined }
const fail = (): Promise<never> => Promise.reject(new Error('every key is there'))

let cache: LoadingCache
let operation: Operation

/** @returns nanoseconds per call, where that is asked; 0 otherwise */
async function obey(order: Order): Promise<number> {
  if ('open' in order) {
    const row = ROWS.find(({ title }) => title === order.row)
    const contender = row?.contenders.find(({ name }) => name === order.open)
    if (!row || !contender) throw new Error(`there is no contender ${order.open}`)
    operation = row.operation
    cache = await contender.open()
    return 0
  }
  if ('close' in order) {
    await cache.close()
    return 0
  }
  await fill()
  return operation === 'peek' ? measurePeek(order.measure) : measureCalls(order.measure)
}

/** Before each round, so that nothing ends while it is measured. */
async function fill(): Promise<void> {
  for (const [i, key] of keys.entries()) await cache.getOrLoad(key, () => Promise.resolve(userOf(i)))
  const read = operation === 'getOrLoad' ? await cache.getOrLoad(keys[7] as string, fail) : await readOnce()
  if (JSON.stringify(read) !== JSON.stringify(userOf(7))) throw new Error(`not the user that was kept: ${String(read)}`)
}

function readOnce(): unknown {
  return operation === 'peek' ? cache.peek?.(keys[7] as string) : cache.get?.(keys[7] as string)
}

async function measureCalls(ms: number): Promise<number> {
  const call = operation === 'get' ? (key: string) => cache.get?.(key) : (key: string) => cache.getOrLoad(key, fail)
  let calls = 0
  const start = performance.now()
  while (performance.now() < start + ms) {
    for (let step = 0; step < STEPS; step++) sink.last = await call(keys[step % KEYS] as string)
    calls += STEPS
    await nextTurn()
  }
  return ((performance.now() - start) * 1_000_000) / calls
}

async function measurePeek(ms: number): Promise<number> {
  const { peek } = cache
  if (!peek) throw new Error('it has no peek')
  let calls = 0
  const start = performance.now()
  while (performance.now() < start + ms) {
    for (let step = 0; step < STEPS; step++) sink.last = peek(keys[step % KEYS] as string)
    calls += STEPS
    await nextTurn()
  }
  return ((performance.now() - start) * 1_000_000) / calls
}

serve(obey)
