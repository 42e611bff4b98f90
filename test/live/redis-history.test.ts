import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ShardedCache } from '../../src/cache.ts'
import type { NodeAdapter, NodeIdentity } from '../../src/node/contract.ts'
import type { MemberSpec, NodeSpec } from '../../src/node/spec.ts'
import { redisNode } from '../../src/redis/index.ts'
import type { ReadPolicy } from '../../src/shard/read-policy.ts'
import { startProxy, type Proxy } from '../lab/proxy.ts'
import { collect, makeCache } from '../support/caches.ts'
import { redisText, startRedis, startReplica, until, type TestServer } from '../support/servers.ts'

// A primary restarts with old data while one process cannot reach it, and its replica, which that process does reach, copies
// them: what was deleted or overwritten since would come back.

let primary: TestServer
let replica: TestServer
/** The way from the reading cache to the primary. */
let way: Proxy

beforeEach(async () => {
  primary = await startRedis()
  replica = await startReplica(primary)
  way = await startProxy(primary.port)
})
afterEach(async () => {
  await way?.stop()
  await replica?.stop()
  await primary?.stop()
})

/** Both processes: one that writes, and reaches everything; one that reads. */
async function setUp(reads: ReadPolicy, change: (spec: NodeSpec) => NodeSpec = (spec) => spec) {
  const writer = await makeCache({ nodes: [redisNode(primary.url, { id: 'n' })] })
  const spec = redisNode(way.url('redis'), { id: 'n', replicas: [replica.url] })
  const reader = await makeCache({ nodes: [change(spec)], reads, nodeTimeout: 1_000 })
  return { writer, reader }
}

/** The primary goes back to what it held when it was saved, behind the reader's back; resolves when the replica has it. */
async function comeBackOld(writer: ShardedCache): Promise<void> {
  await writer.setMany([['deleted', 'old'], ['overwritten', 'old']]) // prettier-ignore
  await primary.save()
  await writer.delete('deleted')
  await writer.set('overwritten', 'new')
  await until(async () => (await keysOf(replica)) === 1, 'the replica to be in step')
}

async function keysOf({ port }: TestServer): Promise<number> {
  return Number(/:(\d+)/.exec(await redisText(port, 'DBSIZE'))?.[1])
}

async function restart(): Promise<void> {
  await primary.restart({ data: true })
  await until(async () => (await keysOf(replica)) === 2, 'the replica to copy the old data')
}

const cuts: Record<string, () => Promise<void>> = {
  'is refused': async () => {
    await way.refuse('reset')
    way.resetAll()
  },
  'leads nowhere': () => Promise.resolve(way.pause()),
}

describe.each(Object.keys(cuts))('while the way to its primary %s', (how) => {
  it.each<ReadPolicy>(['prefer-primary', 'prefer-replica'])('a replica gives nothing old away (%s)', async (policy) => {
    const { writer, reader } = await setUp(policy)
    const fences = collect(reader, 'fence')
    await comeBackOld(writer)
    expect(await reader.get('overwritten')).toBe('new')
    await cuts[how]!()
    await until(
      async () => (await reader.get('overwritten', { reads: 'primary' })) === undefined,
      'the primary to be missed',
    )
    expect(await reader.get('overwritten')).toBe('new')
    await restart()
    for (let i = 0; i < 10; i++) {
      expect(await reader.getMany(['deleted', 'overwritten'])).toEqual(new Map())
      expect(await Promise.all([reader.get('deleted'), reader.get('overwritten')])).toEqual([undefined, undefined])
    }
    const { address } = reader.stats().nodes[0]!.members[1]!
    expect(fences).toMatchObject([{ node: 'n', address }])
    // What others write from now on is good, once it is surely newer: their clocks may differ by a second.
    const readable = (value: string, reads: ReadPolicy): Promise<void> =>
      until(async () => {
        await writer.set('overwritten', value)
        return (await reader.get('overwritten', { reads })) === value
      }, `${value} to be read`)
    await readable('newer', policy)
    expect(fences).toHaveLength(1)
    expect(await reader.get('deleted')).toBeUndefined()
    way.resume()
    await way.accept()
    await until(() => reader.stats().nodes[0]!.members[0]!.circuit === 'closed' && fences.length > 1, 'the primary')
    await readable('newest', 'primary')
    expect(await reader.getMany(['deleted', 'overwritten'], { reads: 'primary' })).toEqual(
      new Map([['overwritten', 'newest']]),
    )
  })

  it('(control) it does, where it does not name the history of its data', async () => {
    const { writer, reader } = await setUp('prefer-primary', withoutHistory)
    await comeBackOld(writer)
    expect(await reader.get('overwritten')).toBe('new')
    await cuts[how]!()
    await restart()
    expect(await reader.get('overwritten')).toBe('old')
    expect(await reader.get('deleted')).toBe('old')
  })
})

function withoutHistory(spec: NodeSpec): NodeSpec {
  const member = (each: MemberSpec): MemberSpec => ({
    ...each,
    open: ({ identified, ...context }) =>
      silent(each.open({ ...context, identified: (identity) => identified(unnamed(identity)) })),
  })
  return { ...spec, primary: member(spec.primary), replicas: spec.replicas.map(member) }
}

function unnamed(identity: NodeIdentity): NodeIdentity {
  const rest = { ...identity }
  delete rest.history
  return rest
}

function silent(adapter: NodeAdapter): NodeAdapter {
  return {
    address: adapter.address,
    limits: adapter.limits,
    powers: {},
    connect: async () => unnamed(await adapter.connect()),
    read: (keys) => adapter.read(keys),
    write: (items) => adapter.write(items),
    remove: (keys) => adapter.remove(keys),
    reset: () => adapter.reset(),
    close: () => adapter.close(),
  }
}
