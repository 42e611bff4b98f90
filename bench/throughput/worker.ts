import { setTimeout as sleep } from 'node:timers/promises'
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
/** How often a round is done again that was none, and after how many milliseconds: a circuit has to close first. */
const ATTEMPTS = 20
const PAUSE = 250

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
    await untilIt(fill, 'wrote and read again what it is to read')
  } else if ('measure' in order) {
    let rate = 0
    await untilIt(async () => {
      const found = await measure(order.measure, order.ms)
      rate = found.rate
      return found.failed === 0
    }, 'had an answer to every call')
    return rate
  } else await client.close()
  return 0
}

/**
 * A cache that gives up in time does so on a machine that stands still for a moment: what it then measures is how quickly
 * it says so. Such a round does not count, and is done again.
 */
async function untilIt(succeeds: () => Promise<boolean>, what: string): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (await succeeds()) return
    await sleep(PAUSE)
  }
  throw new Error(`in ${ATTEMPTS} attempts it never ${what}`)
}

async function fill(): Promise<boolean> {
  const written = await Promise.all(keys.map((key) => client.set(key, value)))
  const read = await client.get(keys[7] as string)
  return written.every(wasDone) && String(read) === value
}

async function measure({ operation, inFlight }: Case, ms: number): Promise<{ rate: number; failed: number }> {
  const call = callOf(operation)
  const isAnswer = operation === 'set' ? wasDone : operation === 'getMany' ? hasAll : isThere
  let calls = 0
  let failed = 0
  const start = performance.now()
  const end = start + ms
  const chain = async (first: number): Promise<void> => {
    let i = first
    while (performance.now() < end) {
      for (let step = 0; step < STEPS; step++) {
        if (!isAnswer(await call(i))) failed++
        i = (i + 1) % KEYS
      }
      calls += STEPS
    }
  }
  await Promise.all(Array.from({ length: inFlight }, (_, i) => chain((i * 7) % KEYS)))
  return { rate: calls / (performance.now() - start), failed }
}

function isThere(found: unknown): boolean {
  return found !== undefined && found !== null
}

function hasAll(found: unknown): boolean {
  return found instanceof Map ? found.size === MANY : true
}

/** This library says whether it stored the value; the others throw when they did not. */
function wasDone(result: unknown): boolean {
  return (result as { ok?: boolean } | undefined)?.ok !== false
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
