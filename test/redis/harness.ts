import { afterEach } from 'vitest'
import type { NodeAdapter, NodeIdentity, ReadOutcome, WriteOutcome } from '../../src/node/contract.ts'
import { bareContext } from '../support/context.ts'
import { makeRedisNode } from '../../src/redis/node.ts'
import type { RedisNodeOptions } from '../../src/redis/index.ts'
import type { Major } from './majors.ts'

/** How long what these tests write lives. */
export const TTL = 60_000

/** Makes an adapter that is closed after the test; `identified` is told each identity. */
export type Open = (
  major: Major,
  target: unknown,
  options?: RedisNodeOptions,
  identified?: (identity: NodeIdentity) => void,
) => NodeAdapter

/** A function that makes adapters, which are closed after each test. */
export function opener(): Open {
  const opened: NodeAdapter[] = []
  afterEach(async () => {
    for (const adapter of opened.splice(0)) await adapter.close()
  })
  return ({ Redis }, target, options = {}, identified = bareContext.identified) => {
    const adapter = makeRedisNode(Redis, target, options).primary.open({ ...bareContext, identified })
    opened.push(adapter)
    return adapter
  }
}

export async function put(adapter: NodeAdapter, key: string, value: string, ttl: number = TTL): Promise<WriteOutcome> {
  const [outcome] = await adapter.write([{ key, value: Buffer.from(value), ttl }])
  return outcome as WriteOutcome
}

export async function fetch(adapter: NodeAdapter, key: string): Promise<string | Exclude<ReadOutcome, Uint8Array>> {
  const [outcome] = await adapter.read([key])
  return outcome instanceof Uint8Array ? Buffer.from(outcome).toString() : outcome
}

/** The code of an outcome that is an error; anything else as it is. */
export function codeOf(outcome: unknown): unknown {
  return outcome instanceof Error && 'code' in outcome ? outcome.code : outcome
}
