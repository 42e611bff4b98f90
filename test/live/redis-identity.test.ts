import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { NodeIdentity } from '../../src/node/contract.ts'
import { codeOf, fetch, opener, put } from '../redis/harness.ts'
import { MAJORS, type AppClient, type Major } from '../redis/majors.ts'
import { ACL_USER } from '../support/acl.ts'
import { redisText, startRedis, startReplica, until, type TestServer } from '../support/servers.ts'

describe.each(MAJORS)('who a Redis server is, ioredis $major', (major: Major) => {
  const open = opener()
  const lent: AppClient[] = []
  let server: TestServer
  beforeAll(async () => {
    server = await startRedis()
  })
  afterEach(() => {
    for (const client of lent.splice(0)) client.disconnect()
  })
  afterAll(() => server.stop())

  const lend = (port: number): AppClient => {
    const client = major.client(port)
    lent.push(client)
    return client
  }

  it('is told with its uptime, and told anew each time it is asked', async () => {
    const told: NodeIdentity[] = []
    const adapter = open(major, server.url, {}, (identity) => told.push(identity))
    expect(told).toEqual([])
    const first = await adapter.connect()
    expect(told).toEqual([first])
    expect(first).toMatchObject({ role: 'primary', runId: expect.stringMatching(/^[\da-f]{40}$/), empty: true })
    expect(first.restored).toBe(false)
    expect(first).not.toHaveProperty('linked')
    expect((first.uptime as number) % 1_000).toBe(0)
    await until(async () => ((await adapter.connect()).uptime as number) > (first.uptime as number), 'time to pass')
    await put(adapter, 'a', 'x')
    expect(await adapter.connect()).toMatchObject({ runId: first.runId, empty: false })
    expect(told.at(-1)).toMatchObject({ runId: first.runId, empty: false })
    expect(await adapter.remove(['a'])).toEqual(['deleted'])
  })

  it('is one that brought data from its disk, when it did', async () => {
    const restarted = await startRedis()
    try {
      const writer = open(major, restarted.url)
      await writer.connect()
      await put(writer, 'kept', 'x')
      await restarted.save()
      await restarted.restart({ data: true })
      const adapter = open(major, restarted.url)
      expect(await adapter.connect()).toMatchObject({ restored: true, empty: false })
    } finally {
      await restarted.stop()
    }
  })

  it('is not empty with a key in another database', async () => {
    const other = open(major, `${server.url}/9`)
    await other.connect()
    await put(other, 'elsewhere', 'x')
    const adapter = open(major, server.url)
    expect((await adapter.connect()).empty).toBe(false)
    await other.remove(['elsewhere'])
    expect((await adapter.connect()).empty).toBe(true)
  })

  it('is told as somebody unknown where the user may not ask', async () => {
    await redisText(server.port, ACL_USER.replace('user', 'ACL SETUSER').replace('+info', ''))
    const told: NodeIdentity[] = []
    const adapter = open(major, `redis://cache:secret@127.0.0.1:${server.port}`, {}, (identity) => told.push(identity))
    await adapter.connect()
    expect(told).toEqual([{ runId: '', role: 'unknown', version: '' }])
  })

  it('is told of a replica with its link', async () => {
    const primary = await startRedis()
    const replica = await startReplica(primary)
    try {
      const adapter = open(major, replica.url)
      await until(async () => (await adapter.connect()).linked === true, 'the link')
      expect(await adapter.connect()).toMatchObject({ role: 'replica', linked: true, empty: true })
      await primary.kill()
      await until(async () => (await adapter.connect()).linked === false, 'the loss of the link')
      expect(await adapter.connect()).toMatchObject({ role: 'replica', linked: false, empty: false })
    } finally {
      await replica.stop()
      await primary.stop()
    }
  })

  it.each(['a URL', 'a client'])('is told after a restart before anything is answered, with %s', async (kind) => {
    const restarting = await startRedis()
    try {
      const told: NodeIdentity[] = []
      const target = kind === 'a URL' ? restarting.url : lend(restarting.port)
      const adapter = open(major, target, {}, (identity) => told.push(identity))
      const first = await adapter.connect()
      for (const kept of [true, false]) {
        await put(adapter, 'a', 'x')
        await restarting.save()
        const before = told.at(-1) as NodeIdentity
        await restarting.kill()
        await until(async () => codeOf(await fetch(adapter, 'a')) === 'ERR_NODE_DOWN', 'reads to fail')
        const known = told.length
        let stop = false
        const early: unknown[] = []
        // Many at once, so that one of them is under way whenever the connection comes up.
        const readers = Array.from({ length: 20 }, async () => {
          while (!stop) {
            const outcome = await fetch(adapter, 'a')
            if (outcome instanceof Error) await new Promise((resolve) => setImmediate(resolve))
            else if (told.length === known) early.push(outcome)
            else stop = true
          }
        })
        await restarting.restart({ data: kept })
        await Promise.all(readers)
        expect(early).toEqual([])
        const now = told.at(-1) as NodeIdentity
        expect(now.runId).not.toBe(before.runId)
        expect(now.empty).toBe(!kept)
        expect(await fetch(adapter, 'a')).toBe(kept ? 'x' : undefined)
      }
      expect(new Set(told.map(({ runId }) => runId)).size).toBe(3)
      expect(told[0]).toEqual(first)
    } finally {
      await restarting.stop()
    }
  })

  it('control: a plain client answers before one can ask it who the server is', async () => {
    const restarting = await startRedis()
    try {
      const client = lend(restarting.port)
      await client.set('a', 'x')
      await restarting.kill()
      await until(() => client.status === 'reconnecting', 'the end of the connection')
      const order: string[] = []
      const read = client.get('a').then(() => order.push('a reply'))
      const asked = new Promise<void>((resolve) => {
        client.on('ready', () => {
          void client.info('server').then(() => {
            order.push('an identity')
            resolve()
          })
        })
      })
      await restarting.restart()
      await Promise.all([read, asked])
      expect(order).toEqual(['a reply', 'an identity'])
    } finally {
      await restarting.stop()
    }
  })
})
