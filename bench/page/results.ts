import { readFile } from 'node:fs/promises'
import type { Results as L1 } from '../l1/measure.ts'
import type { Results as Loader } from '../loader/measure.ts'
import type { Results as Remap } from '../remap/results.ts'
import type { Results as Routing } from '../routing/measure.ts'
import type { Results as Stampede } from '../stampede/measure.ts'
import type { Results as Throughput } from '../throughput/measure.ts'

/** What the benchmarks wrote; what is not there was not measured. */
export interface AllResults {
  readonly throughput?: Throughput
  readonly l1?: L1
  readonly stampede?: Stampede
  readonly loader?: Loader
  readonly routing?: Routing
  readonly remap?: Remap
}

const NAMES: readonly (keyof AllResults)[] = ['throughput', 'l1', 'stampede', 'loader', 'routing', 'remap']

/** Reads what there is in a folder. */
export async function readResults(folder: string): Promise<AllResults> {
  const found = await Promise.all(
    NAMES.map(async (name) => {
      const text = await readFile(`${folder}/${name}.json`, 'utf8').catch(() => undefined)
      return text === undefined ? [] : [[name, JSON.parse(text) as unknown] as const]
    }),
  )
  return Object.fromEntries(found.flat()) as AllResults
}
