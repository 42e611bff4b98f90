import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { NodeAdapter } from '../../src/node/contract.ts'
import { startRedis, type TestServer } from '../support/servers.ts'
import { atomicOf, envelope, HOUR, leaseOf, token, wordOf } from './atomic-harness.ts'
import { opener, TTL } from './harness.ts'
import { MAJORS, type AppClient, type Major } from './majors.ts'

/** What leases take of a server, as docs/nodes.md has it. */
const COMMANDS = ['eval', 'evalsha', 'get', 'getrange', 'set', 'setrange', 'del', 'pexpire', 'time'] as const

describe.each(MAJORS)('leases of a Redis user with few rights, ioredis $major', (major: Major) => {
  const open = opener()
  let server: TestServer
  let admin: AppClient
  beforeAll(async () => {
    server = await startRedis()
    admin = major.client(server.port)
  })
  afterAll(async () => {
    admin.disconnect()
    await server.stop()
  })

  const connected = async (...rules: string[]): Promise<NodeAdapter> => {
    await admin.call('ACL', 'SETUSER', 'cache', 'reset', 'on', '>secret', '~app:*', '+info', ...rules)
    await admin.call('SCRIPT', 'FLUSH')
    const adapter = open(major, `redis://cache:secret@127.0.0.1:${server.port}`)
    await adapter.connect()
    await admin.call('ACL', 'LOG', 'RESET')
    return adapter
  }
  const all = COMMANDS.map((command) => `+${command}`)
  let used = 0

  /** Does all there is to do with leases. */
  const everything = async (adapter: NodeAdapter): Promise<unknown[]> => {
    const atomic = atomicOf(adapter)
    const key = `app:${used++}`
    const [one, two, three] = [token(), token(), token()]
    const fill = { key, token: one, value: envelope(key, 'value', { version: two }), ttl: TTL }
    const outcomes = [
      ...(await atomic.lease([leaseOf(key, token())])),
      ...(await atomic.lease([leaseOf(key, one, 'any')])),
      ...(await atomic.renew([{ ...fill, ms: HOUR }])),
      ...(await atomic.fill([fill])),
      ...(await atomic.lease([leaseOf(key, three, two)])),
      ...(await atomic.release([{ key, token: three }])),
      ...(await atomic.expire([{ key, now: 1, version: one }])),
      ...(await atomic.lease([leaseOf(`${key}:b`, two)])),
      ...(await atomic.release([{ key: `${key}:b`, token: two }])),
    ]
    return outcomes.map(wordOf)
  }

  it('need what the documentation says, and nothing else', async () => {
    const adapter = await connected(...all)
    expect(await everything(adapter)).toEqual(['won', 'won', 'done', 'done', 'won', 'done', 'expired', 'won', 'done'])
    expect(await admin.call('ACL', 'LOG')).toEqual([])
  })

  it.each(COMMANDS)('are refused without %s', async (command) => {
    const outcomes = await everything(await connected(...all, `-${command}`))
    expect(outcomes).toContain('ERR_NODE')
    // Once it is known, nothing is asked any more.
    const from = outcomes.indexOf('ERR_NODE')
    expect(outcomes.slice(from).every((outcome) => outcome === 'ERR_NODE')).toBe(true)
    expect((await admin.call('ACL', 'LOG')) as unknown[]).toHaveLength(1)
  })

  it('are refused once per connection without EVAL, leave nothing behind, and are then no power', async () => {
    const adapter = await connected(...all, '-eval', '-evalsha')
    const { atomic } = adapter.powers
    const key = `app:${used++}`
    const requests = [leaseOf(key, token()), leaseOf(`${key}:b`, token())]
    const outcomes = (await atomic?.lease(requests)) ?? []
    expect(outcomes.map(wordOf)).toEqual(['ERR_NODE', 'ERR_NODE'])
    expect(String(outcomes[0])).toContain('scripts')
    expect(await admin.call('EXISTS', key, `${key}:b`)).toBe(0)
    expect(adapter.powers.atomic).toBeUndefined()
    expect(adapter.powers.removeIf).toBeDefined()
    await admin.call('ACL', 'LOG', 'RESET')
    expect((await atomic?.lease(requests))?.map(wordOf)).toEqual(['ERR_NODE', 'ERR_NODE'])
    expect((await atomic?.release(requests))?.map(wordOf)).toEqual(['ERR_NODE', 'ERR_NODE'])
    expect(await admin.call('ACL', 'LOG')).toEqual([])

    await admin.call('ACL', 'SETUSER', 'cache', '+eval', '+evalsha')
    adapter.reset()
    await adapter.connect()
    expect((await adapter.powers.atomic?.lease(requests))?.map(wordOf)).toEqual(['won', 'won'])
  })

  it('cost, for keys outside its pattern, only those keys', async () => {
    const adapter = await connected(...all)
    const mine = `app:${used++}`
    for (let round = 0; round < 2; round++) {
      const outcomes = await atomicOf(adapter).lease([
        leaseOf(`other:${round}`, token()),
        leaseOf(`${mine}:${round}`, token()),
        leaseOf(`other:${round}`, token(), 'any'),
      ])
      expect(outcomes.map(wordOf)).toEqual(['ERR_NODE', 'won', 'ERR_NODE'])
      expect(String(outcomes[0])).toContain('NOPERM')
    }
  })
})
