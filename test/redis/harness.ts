import { afterEach } from 'vitest'
import type { NodeAdapter, ReadOutcome, WriteOutcome } from '../../src/node/contract.ts'
import { bareContext } from '../support/context.ts'
import { makeRedisNode } from '../../src/redis/node.ts'
import type { RedisNodeOptions } from '../../src/redis/index.ts'
import type { Major } from './majors.ts'

/** How long what these tests write lives. */
export const TTL = 60_000

/** A function that makes adapters, which are closed after each test. */
export function opener(): (major: Major, target: unknown, options?: RedisNodeOptions) => NodeAdapter {
  const opened: NodeAdapter[] = []
  afterEach(async () => {
    for (const adapter of opened.splice(0)) await adapter.close()
  })
  return ({ Redis }, target, options = {}) => {
    const adapter = makeRedisNode(Redis, target, options).primary.open(bareContext)
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
