import { describe, expect, it } from 'vitest'
import type { NodeIdentity } from '../../src/node/contract.ts'
import { codeOf, fetch, opener, put } from '../redis/harness.ts'
import { MAJORS, type Major } from '../redis/majors.ts'
import { redisText, startRedis, startReplica, until, type TestServer } from '../support/servers.ts'

describe.each(MAJORS)('a Redis server that is not ready, ioredis $major', (major: Major) => {
  const open = opener()
  const served = async (args: readonly string[], run: (server: TestServer) => Promise<void>): Promise<void> => {
    const server = await startRedis({ args })
    try {
      await run(server)
    } finally {
      await server.stop()
    }
  }

  it('loads its data: nothing goes through before, and then by itself', async () => {
    // Half a millisecond per key, and an ear for questions in between.
    const slow = ['--key-load-delay', '500', '--loading-process-events-interval-bytes', '1024']
    await served(slow, async (server) => {
      await redisText(server.port, "EVAL \"for i=1,2000 do redis.call('set','k'..i,'x') end\" 0")
      await server.save()
      await server.restart({ data: true })
      const told: NodeIdentity[] = []
      const adapter = open(major, server.url, {}, (identity) => told.push(identity))
      await expect(adapter.connect()).rejects.toMatchObject({
        name: 'NodeError',
        code: 'ERR_NODE_UNREADY',
        message: `127.0.0.1:${server.port} cannot serve now: it loads`,
      })
      expect(codeOf(await fetch(adapter, 'k1'))).toBe('ERR_NODE_UNREADY')
      expect((await adapter.remove(['k1', 'k2'])).map(codeOf)).toEqual(['ERR_NODE_UNREADY', 'ERR_NODE_UNREADY'])
      expect(told).toEqual([])
      await until(async () => (await fetch(adapter, 'k1')) === 'x', 'reads to work')
      expect(told).toMatchObject([{ role: 'primary', empty: false }])
    })
  })

  it('runs an endless script: BUSY, per key and for a probe, and recovers', async () => {
    await served([], async (server) => {
      const adapter = open(major, server.url)
      const fresh = open(major, server.url)
      await adapter.connect()
      await redisText(server.port, 'CONFIG SET busy-reply-threshold 10')
      const endless = redisText(server.port, 'EVAL "while true do end" 0').catch(() => '')
      await until(async () => codeOf(await fetch(adapter, 'a')) === 'ERR_NODE_UNREADY', 'the server to be busy')
      expect(codeOf(await put(adapter, 'a', 'CANARY'))).toBe('ERR_NODE_UNREADY')
      expect((await adapter.read(['a', 'b'])).map(codeOf)).toEqual(['ERR_NODE_UNREADY', 'ERR_NODE_UNREADY'])
      await expect(adapter.powers.info?.()).rejects.toMatchObject({ code: 'ERR_NODE_UNREADY' })
      for (const asked of [adapter, fresh]) {
        const error: unknown = await asked.connect().catch((caught: unknown) => caught)
        expect(error).toMatchObject({ code: 'ERR_NODE_UNREADY', message: expect.stringContaining('BUSY') })
      }
      await redisText(server.port, 'SCRIPT KILL')
      await endless
      for (const asked of [adapter, fresh]) {
        await until(async () => (await fetch(asked, 'a')) === undefined, 'reads to work')
      }
    })
  })

  it('is a replica that has lost its primary and serves nothing stale: MASTERDOWN', async () => {
    await served([], async (primary) => {
      const replica = await startReplica(primary, { args: ['--replica-serve-stale-data', 'no'] })
      try {
        const adapter = open(major, replica.url)
        await adapter.connect()
        expect(await fetch(adapter, 'a')).toBeUndefined()
        await primary.kill()
        await until(async () => codeOf(await fetch(adapter, 'a')) === 'ERR_NODE_UNREADY', 'reads to be refused')
        expect(String(await fetch(adapter, 'a'))).toContain('MASTERDOWN')
        expect((await adapter.read(['a', 'b'])).map(codeOf)).toEqual(['ERR_NODE_UNREADY', 'ERR_NODE_UNREADY'])
        expect(await adapter.connect()).toMatchObject({ linked: false })
        await primary.restart()
        await until(async () => (await fetch(adapter, 'a')) === undefined, 'reads to work')
      } finally {
        await replica.stop()
      }
    })
  })
})
