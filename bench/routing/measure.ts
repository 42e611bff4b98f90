import { loadHash, ring } from 'sharded-cache'
import { machine, type Machine } from '../kit/machine.ts'
import type { Progress } from '../kit/progress.ts'
import { interleave, median, type Measured } from '../kit/stats.ts'
import { CONTENDERS, FLOOR } from './contenders.ts'

/** Nanoseconds per key, and what building a ring takes in milliseconds. */
export interface Results {
  readonly machine: Machine
  readonly keys: number
  readonly rounds: number
  /** By the number of nodes. */
  readonly lookups: readonly { readonly nodes: number; readonly measured: readonly Measured[] }[]
  readonly build: { readonly nodes: number; readonly points: number; readonly whole: number; readonly add: number }
}

const NODES = [10, 100]
/** Where results go, so that they are not optimised away. */
const sink: { last: unknown } = { last: undefined }

/** How much is measured. */
export interface Plan {
  readonly keys: number
  readonly rounds: number
}

/** How many steps {@link measureRouting} reports. */
export function countSteps({ rounds }: Plan): number {
  return NODES.length * rounds * CONTENDERS.length
}

export async function measureRouting({ keys: count, rounds }: Plan, progress: Progress): Promise<Results> {
  const keys = Array.from({ length: count }, (_, i) => keyOf(i))
  const hash = await loadHash()
  const lookups: Results['lookups'][number][] = []
  for (const number of NODES) {
    const nodes = idsOf(number).map((id) => ({ id }))
    const built = ring(nodes, { hash })
    const prepared = new Map(
      CONTENDERS.map(({ name, prepare }) => [
        name,
        prepare(
          nodes.map(({ id }) => id),
          built,
          hash,
        ),
      ]),
    )
    const names = CONTENDERS.map(({ name }) => name)
    const measured = await interleave(names, FLOOR, rounds, (name) => {
      progress.step(`${number} nodes: ${name}`)
      return perKey(keys, prepared.get(name) as (key: string) => unknown)
    })
    lookups.push({ nodes: number, measured })
  }
  return { machine: machine(), keys: count, rounds, lookups, build: await measureBuild(rounds) }
}

/** 19 characters, as keys of users and the like are. */
function keyOf(i: number): string {
  // Through bytes: a text that was put together from pieces would be read more slowly.
  return Buffer.from(`user:${String((i * 7_919) % 1_000_000_000).padStart(9, '0')}:abcd`).toString('latin1')
}

function idsOf(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `10.0.${i >> 8}.${i & 255}:6379`)
}

function perKey(keys: readonly string[], locate: (key: string) => unknown): number {
  const start = performance.now()
  for (const key of keys) sink.last = locate(key)
  return ((performance.now() - start) * 1_000_000) / keys.length
}

async function measureBuild(rounds: number): Promise<Results['build']> {
  const hash = await loadHash()
  const nodes = idsOf(100).map((id) => ({ id }))
  const before = ring(nodes, { hash })
  const time = (run: () => unknown): number => {
    const start = performance.now()
    sink.last = run()
    return performance.now() - start
  }
  const all = Array.from({ length: rounds * 3 }, (_, i) => ({
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
