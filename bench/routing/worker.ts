import { loadHash, ring } from 'sharded-cache'
import { serve } from '../kit/child.ts'
import { median } from '../kit/stats.ts'
import { CONTENDERS } from './contenders.ts'

/** What the benchmark asks of a contender's process: to get ready, to look all keys up once, or to build rings. */
export type Order =
  | { readonly open: string; readonly nodes: number; readonly keys: number }
  | { readonly build: number; readonly times: number }
  | 'measure'

/** What it takes to build a ring from nothing, and one that has one node more than another, in milliseconds. */
export interface Built {
  readonly nodes: number
  readonly points: number
  readonly whole: number
  readonly add: number
}

/** Where results go, so that they are not optimised away. */
const sink: { last: unknown } = { last: undefined }
let keys: readonly string[] = []
let locate: (key: string) => unknown

/** @returns nanoseconds per key, where that is asked; 0 when it is ready */
async function obey(order: Order): Promise<number | Built> {
  if (order === 'measure') return measure()
  const hash = await loadHash()
  if ('build' in order) {
    const nodes = idsOf(order.build).map((id) => ({ id }))
    const before = ring(nodes, { hash })
    const all = Array.from({ length: order.times }, (_, i) => ({
      whole: time(() => ring(nodes, { hash })),
      add: time(() => ring([...nodes, { id: `new-${i}:6379` }], { hash, before })),
    }))
    return {
      nodes: nodes.length,
      points: before.points.length,
      whole: median(all.map(({ whole }) => whole)),
      add: median(all.map(({ add }) => add)),
    }
  }
  const contender = CONTENDERS.find(({ name }) => name === order.open)
  if (!contender) throw new Error(`there is no contender ${order.open}`)
  const ids = idsOf(order.nodes)
  keys = Array.from({ length: order.keys }, (_, i) => keyOf(i))
  locate = contender.prepare(
    ids,
    ring(
      ids.map((id) => ({ id })),
      { hash },
    ),
    hash,
  )
  // For V8 to see what there is.
  perKey()
  perKey()
  return 0
}

/** How long one round takes at most, in milliseconds: the pauses between two are the rounds of all others. */
const ROUND = 250
/** How many keys are looked up between two looks at the clock. */
const BLOCK = 10_000

/** While others were measured, the processor and its caches have been theirs. */
function measure(): number {
  perKey()
  return perKey()
}

function perKey(): number {
  const start = performance.now()
  let done = 0
  let took = 0
  while (done < keys.length && took < ROUND) {
    for (const end = Math.min(keys.length, done + BLOCK); done < end; done++) sink.last = locate(keys[done] as string)
    took = performance.now() - start
  }
  return (took * 1_000_000) / done
}

function time(run: () => unknown): number {
  const start = performance.now()
  sink.last = run()
  return performance.now() - start
}

/** 19 characters, as keys of users and the like are. */
function keyOf(i: number): string {
  // Through bytes: a text that was put together from pieces would be read more slowly.
  return Buffer.from(`user:${String((i * 7_919) % 1_000_000_000).padStart(9, '0')}:abcd`).toString('latin1')
}

function idsOf(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `10.0.${i >> 8}.${i & 255}:6379`)
}

serve(obey)
