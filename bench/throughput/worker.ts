import { serve } from '../kit/child.ts'
import type { Server } from '../kit/loading-cache.ts'
import { MANY, type Case } from './cases.ts'
import type { Client } from './client.ts'
import { CONTENDERS } from './contenders.ts'

/** What the benchmark asks of a contender's process. */
export type Order =
  | { readonly open: string; readonly servers: readonly Server[]; readonly kind: Case['kind'] }
  | { readonly fill: number }
  | { readonly measure: Case; readonly ms: number }
  | { readonly close: true }

const KEYS = 1_000
/** Through bytes: a text that was put together from pieces would be read more slowly. */
const keys = Array.from({ length: KEYS }, (_, i) =>
  Buffer.from(`user:${String(i).padStart(9, '0')}:abcd`).toString('latin1'),
)
const TEXT = 'The quick brown fox jumps over the lazy dog. '
/** How many calls of a chain there are between two looks at the clock. */
const STEPS = 16

let client: Client
let value = ''

/** @returns calls per millisecond, where that is asked; 0 otherwise */
async function obey(order: Order): Promise<number> {
  if ('open' in order) {
    const contender = CONTENDERS.find(({ name }) => name === order.open)
    if (!contender) throw new Error(`there is no contender ${order.open}`)
    client = await contender.open(order.servers, order.kind)
  } else if ('fill' in order) {
    value = TEXT.repeat(Math.ceil(order.fill / TEXT.length)).slice(0, order.fill)
    await Promise.all(keys.map((key) => client.set(key, value)))
    const read = await client.get(keys[7] as string)
    if (String(read) !== value) throw new Error('what was read is not what was written')
  } else if ('measure' in order) return measure(order.measure, order.ms)
  else await client.close()
  return 0
}

async function measure({ operation, inFlight }: Case, ms: number): Promise<number> {
  const call = callOf(operation)
  let calls = 0
  const start = performance.now()
  const end = start + ms
  const chain = async (first: number): Promise<void> => {
    let i = first
    while (performance.now() < end) {
      for (let step = 0; step < STEPS; step++) {
        await call(i)
        i = (i + 1) % KEYS
      }
      calls += STEPS
    }
  }
  await Promise.all(Array.from({ length: inFlight }, (_, i) => chain((i * 7) % KEYS)))
  return calls / (performance.now() - start)
}

function callOf(operation: Case['operation']): (i: number) => Promise<unknown> {
  if (operation === 'set') return (i) => client.set(keys[i] as string, value)
  if (operation !== 'getMany') return (i) => client.get(keys[i] as string)
  const batches = Array.from({ length: KEYS }, (_, i) =>
    Array.from({ length: MANY }, (__, n) => keys[(i + n * 7) % KEYS] as string),
  )
  return (i) => client.getMany(batches[i] as string[])
}

serve(obey)
