import { Client } from 'memjs'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { memcachedNode } from '../../src/memcached/index.ts'
import type { NodeAdapter, NodeIdentity } from '../../src/node/contract.ts'
import { bareContext } from '../support/context.ts'
import { startMemcached, until, type TestServer } from '../support/servers.ts'

const TTL = 60_000
const adapters: NodeAdapter[] = []
const extra: TestServer[] = []
let server: TestServer

beforeAll(async () => {
  server = await startMemcached()
})
afterEach(async () => {
  for (const adapter of adapters.splice(0)) await adapter.close()
  for (const one of extra.splice(0)) await one.stop()
})
afterAll(() => server?.stop())

async function start(...args: string[]): Promise<TestServer> {
  const one = await startMemcached({ args })
  extra.push(one)
  return one
}

function open(target: string | Client = server.url): { adapter: NodeAdapter; heard: NodeIdentity[] } {
  const heard: NodeIdentity[] = []
  const identified = (identity: NodeIdentity): void => void heard.push(identity)
  const adapter = memcachedNode(target).primary.open({ ...bareContext, identified })
  adapters.push(adapter)
  return { adapter, heard }
}

async function put(adapter: NodeAdapter, key: string, value: string): Promise<void> {
  expect(await adapter.write([{ key, value: Buffer.from(value), ttl: TTL }])).toEqual(['stored'])
}

describe('who answers', () => {
  it('is told on each connection, before the first reply of it, whoever made it', async () => {
    const { adapter, heard } = open()
    expect(heard).toEqual([])
    for (let made = 1; made <= 3; made++) {
      const heardBefore = (await Promise.all(Array.from({ length: 10 }, () => told(adapter, heard)))) as number[]
      expect(heardBefore).toEqual(heardBefore.map(() => made))
      adapter.reset()
    }
    expect(new Set(heard.map(({ runId }) => runId)).size).toBe(1)
  })

  it('is told again by connect on a live connection, and by info', async () => {
    const { adapter, heard } = open()
    const first = await adapter.connect()
    const second = await adapter.connect()
    const info = await adapter.powers.info?.()
    expect(heard).toEqual([first, second, { ...second, uptime: info?.uptime }])
    expect(Object.keys(first).toSorted()).toEqual(['empty', 'role', 'runId', 'uptime', 'version'])
  })

  it('is another one after a restart, told before anything that it answers', async () => {
    const one = await start()
    const { adapter, heard } = open(one.url)
    await put(adapter, 'a', '1')
    await adapter.connect()
    expect(heard.map(({ empty }) => empty)).toEqual([true, false])
    await one.kill()
    await one.restart()
    const seen: (string | undefined)[] = []
    await until(async () => {
      const outcomes = await Promise.all(Array.from({ length: 5 }, () => adapter.read(['a'])))
      const answered = outcomes.filter(([outcome]) => !(outcome instanceof Error))
      if (answered.length > 0) seen.push(heard.at(-1)?.runId)
      return answered.length > 0
    })
    expect(heard).toHaveLength(3)
    expect(heard[2]).toMatchObject({ empty: true })
    expect(seen).toEqual([heard[2]?.runId])
    expect(heard[2]?.runId).not.toBe(heard[0]?.runId)
  })

  it('tells how long it has run, in whole seconds, and never too much', async () => {
    const before = performance.now()
    const one = await start()
    const up = performance.now()
    const { adapter } = open(one.url)
    expect((await adapter.connect()).uptime).toBeLessThanOrEqual(performance.now() - before)
    let uptime = 0
    await until(async () => {
      uptime = (await adapter.connect()).uptime as number
      expect(uptime).toBeLessThanOrEqual(performance.now() - before)
      return uptime >= 1_000
    })
    expect(uptime % 1_000).toBe(0)
    expect(performance.now() - up).toBeLessThan(10_000)
  })

  it('of a client of the application is told by each connect', async () => {
    const client = Client.create(`127.0.0.1:${server.port}`, { logger: { log: () => {} } })
    try {
      const { adapter, heard } = open(client)
      const first = await adapter.connect()
      const second = await adapter.connect()
      expect(heard).toEqual([first, second])
      expect(first.runId).toBe((await open().adapter.connect()).runId)
      expect(adapter.powers.removeIf).toBeUndefined()
    } finally {
      client.close()
    }
  })

  /** How many identities were told at the moment when a read was answered. */
  async function told(adapter: NodeAdapter, heard: readonly NodeIdentity[]): Promise<unknown> {
    const [outcome] = await adapter.read(['none'])
    return outcome === undefined ? heard.length : outcome
  }
})

describe('removeIf', () => {
  const removeIf = (adapter: NodeAdapter, key: string, value: string): Promise<boolean> | undefined =>
    adapter.powers.removeIf?.(key, Buffer.from(value))

  it('removes what is equal, and nothing else', async () => {
    const { adapter } = open()
    await put(adapter, 'a', 'one')
    for (const other of ['two', 'on', 'one ', '']) expect(await removeIf(adapter, 'a', other)).toBe(false)
    expect(await adapter.read(['a'])).toEqual([Buffer.from('one')])
    expect(await removeIf(adapter, 'a', 'one')).toBe(true)
    expect(await removeIf(adapter, 'a', 'one')).toBe(false)
    expect(await adapter.read(['a'])).toEqual([undefined])
    await put(adapter, 'a', '')
    expect(await removeIf(adapter, 'a', '')).toBe(true)
  })

  it('never removes what was written meanwhile', async () => {
    const { adapter } = open()
    const { adapter: other } = open()
    const counts = { removed: 0, kept: 0 }
    for (let round = 0; round < 300; round++) {
      await put(adapter, 'raced', 'old')
      const [removed] = await Promise.all([removeIf(adapter, 'raced', 'old'), put(other, 'raced', 'new')])
      // Before the write or not at all: what was written is there in the end.
      expect(await adapter.read(['raced'])).toEqual([Buffer.from('new')])
      counts[removed ? 'removed' : 'kept']++
    }
    expect(counts.removed + counts.kept).toBe(300)
    expect(counts.kept).toBeGreaterThan(0)
  })

  it('control: comparing first and removing then loses what was written meanwhile', async () => {
    const { adapter } = open()
    const { adapter: other } = open()
    let lost = 0
    for (let round = 0; round < 300; round++) {
      await put(adapter, 'raced', 'old')
      const naive = async (): Promise<void> => {
        const [found] = await adapter.read(['raced'])
        if (Buffer.from('old').equals(found as Uint8Array)) await adapter.remove(['raced'])
      }
      await Promise.all([naive(), put(other, 'raced', 'new')])
      if ((await adapter.read(['raced']))[0] === undefined) lost++
    }
    expect(lost).toBeGreaterThan(0)
  })

  it('is an error where the server counts no CAS numbers, rather than an unconditional removal', async () => {
    const one = await start('-C')
    const { adapter } = open(one.url)
    await put(adapter, 'a', 'one')
    expect(await removeIf(adapter, 'a', 'two')).toBe(false)
    await expect(removeIf(adapter, 'a', 'one')).rejects.toMatchObject({ name: 'NodeError', code: 'ERR_NODE' })
    expect(await adapter.read(['a'])).toEqual([Buffer.from('one')])
  })

  it('rejects an illegal key without sending it, and a server that is down', async () => {
    const one = await start()
    const { adapter } = open(one.url)
    await adapter.connect()
    await expect(removeIf(adapter, 'a b', '1')).rejects.toMatchObject({ code: 'ERR_NODE' })
    await one.kill()
    await expect(removeIf(adapter, 'a', '1')).rejects.toMatchObject({ code: 'ERR_NODE_DOWN' })
    await adapter.close()
    await expect(removeIf(adapter, 'a', '1')).rejects.toMatchObject({ code: 'ERR_NODE_DOWN' })
  })

  it('that was given up removes nothing later', async () => {
    const { adapter } = open()
    await put(adapter, 'a', 'one')
    const { adapter: witness } = open()
    for (let round = 0; round < 20; round++) {
      server.pause()
      const work = (removeIf(adapter, 'a', 'one') as Promise<boolean>).catch((error: unknown) => error)
      adapter.reset()
      expect(await work).toMatchObject({ code: 'ERR_NODE_DOWN' })
      server.resume()
      await until(async () => (await witness.read(['none']))[0] === undefined)
      expect(await witness.read(['a'])).toEqual([Buffer.from('one')])
    }
  })
})
