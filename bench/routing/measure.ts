import { Child } from '../kit/child.ts'
import { machine, type Machine } from '../kit/machine.ts'
import type { Progress } from '../kit/progress.ts'
import { interleave, type Measured } from '../kit/stats.ts'
import { CONTENDERS, FLOOR } from './contenders.ts'
import type { Built, Order } from './worker.ts'

/** Nanoseconds per key, and what building a ring takes in milliseconds. */
export interface Results {
  readonly machine: Machine
  readonly keys: number
  readonly rounds: number
  /** By the number of nodes. */
  readonly lookups: readonly { readonly nodes: number; readonly measured: readonly Measured[] }[]
  readonly build: Built
}

const NODES = [10, 100]

/** How much is measured. */
export interface Plan {
  readonly keys: number
  readonly rounds: number
}

/** How many steps {@link measureRouting} reports. */
export function countSteps({ rounds }: Plan): number {
  return NODES.length * rounds * CONTENDERS.length
}

export async function measureRouting(plan: Plan, progress: Progress): Promise<Results> {
  const lookups: Results['lookups'][number][] = []
  for (const nodes of NODES) lookups.push({ nodes, measured: await measureRow(nodes, plan, progress) })
  return { machine: machine(), ...plan, lookups, build: await measureBuild(plan) }
}

/** Each in a process of its own: what V8 has seen of one way, and of one ring, says nothing about the next. */
async function measureRow(nodes: number, { keys, rounds }: Plan, progress: Progress): Promise<Measured[]> {
  const children = new Map(CONTENDERS.map((one) => [one.name, new Child<Order, number>(WORKER, one)]))
  const ask = (name: string, order: Order): Promise<number> => (children.get(name) as Child<Order, number>).ask(order)
  try {
    const names = CONTENDERS.map(({ name }) => name)
    for (const name of names) await ask(name, { open: name, nodes, keys })
    return await interleave(names, FLOOR, rounds, (name) => {
      progress.step(`${nodes} nodes: ${name}`)
      return ask(name, 'measure')
    })
  } finally {
    await Promise.all([...children.values()].map((child) => child.stop()))
  }
}

async function measureBuild({ rounds }: Plan): Promise<Built> {
  const child = new Child<Order, Built>(WORKER, { name: 'the ring', of: 'sharded-cache' })
  try {
    return await child.ask({ build: 100, times: rounds * 3 })
  } finally {
    await child.stop()
  }
}

const WORKER = new URL('./worker.ts', import.meta.url)
