import { isFailure, type NodeAdapter, type NodeIdentity, type ReadOutcome } from '../../src/node/contract.ts'
import { memoryNode } from '../../src/node/memory.ts'
import type { NodeSpec } from '../../src/node/spec.ts'
import { faulty, ManualClock, type FaultLab } from '../../src/testing/index.ts'

/** How long what these tests write lives. */
export const TTL = 60_000

/** A laboratory around a memory node, an adapter of it, and the same node's adapter outside the laboratory. */
export interface FaultyBench {
  readonly lab: FaultLab
  readonly adapter: NodeAdapter
  /** What is really on the server. */
  readonly real: NodeAdapter
  readonly clock: ManualClock
  /** Whom the adapter said it met. */
  readonly met: NodeIdentity[]
}

export function faultyBench(seed?: number, node: NodeSpec = memoryNode('a')): FaultyBench {
  const clock = new ManualClock()
  const met: NodeIdentity[] = []
  const context = { nodeTimeout: 250, clock, identified: (identity: NodeIdentity): void => void met.push(identity) }
  const lab = faulty(node, seed === undefined ? {} : { seed })
  const adapter = lab.node.primary.open(context)
  return { lab, adapter, real: node.primary.open({ ...context, identified: () => {} }), clock, met }
}

/** Writes values under their keys, and gives the codes of those that failed, else `'stored'`. */
export async function put(adapter: NodeAdapter, entries: Readonly<Record<string, string>>): Promise<string[]> {
  const items = Object.entries(entries).map(([key, text]) => ({ key, value: Buffer.from(text), ttl: TTL }))
  return (await adapter.write(items)).map((outcome) => (isFailure(outcome) ? outcome.code : outcome))
}

/** Reads keys as text; the codes of those that failed. */
export async function texts(adapter: NodeAdapter, ...keys: string[]): Promise<(string | undefined)[]> {
  return (await adapter.read(keys)).map(text)
}

export async function removed(adapter: NodeAdapter, ...keys: string[]): Promise<string[]> {
  return (await adapter.remove(keys)).map((outcome) => (isFailure(outcome) ? outcome.code : outcome))
}

function text(outcome: ReadOutcome): string | undefined {
  if (isFailure(outcome)) return outcome.code
  return outcome && Buffer.from(outcome).toString()
}
