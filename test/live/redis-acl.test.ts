import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { codeOf, fetch, opener, put, TTL } from '../redis/harness.ts'
import { MAJORS, type AppClient, type Major } from '../redis/majors.ts'
import { ACL_COMMANDS, ACL_USER } from '../support/acl.ts'
import { startRedis, type TestServer } from '../support/servers.ts'

describe.each(MAJORS)('a Redis user with few rights, ioredis $major', (major: Major) => {
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

  /** Makes the user of the README, with some rules more. */
  const user = async (...rules: string[]): Promise<string> => {
    const [, name, ...words] = ACL_USER.split(' ')
    await admin.call('ACL', 'SETUSER', name as string, 'reset', ...words, ...rules)
    return `redis://cache:secret@127.0.0.1:${server.port}`
  }
  const denied = async (command: string): Promise<string> => user(`-${command}`)
  const keys = (count: number): string[] => Array.from({ length: count }, (_, index) => `app:${index}`)

  it('is enough as the README has it, for everything, and nothing is refused', async () => {
    const adapter = open(major, await user())
    await admin.call('ACL', 'LOG', 'RESET')
    const identity = await adapter.connect()
    expect(identity.role).toBe('primary')
    const items = keys(100).map((key) => ({ key, value: Buffer.from(key), ttl: TTL }))
    expect(await adapter.write(items)).toEqual(items.map(() => 'stored'))
    expect((await adapter.read(keys(100))).map(String)).toEqual(keys(100))
    expect(await fetch(adapter, 'app:1')).toBe('app:1')
    expect((await adapter.powers.info?.())?.keys).toBe(100)
    expect(await adapter.remove(keys(100))).toEqual(items.map(() => 'deleted'))
    adapter.reset()
    await adapter.connect()
    await adapter.close()
    expect(await admin.call('ACL', 'LOG')).toEqual([])
  })

  it.each(ACL_COMMANDS)('is the smallest: without %s something is refused', async (rule) => {
    const adapter = open(major, await denied(rule.slice(1)))
    await admin.call('ACL', 'LOG', 'RESET')
    await adapter.connect()
    await put(adapter, 'app:1', 'one')
    await adapter.read(['app:1'])
    await adapter.read(['app:1', 'app:2'])
    await adapter.remove(['app:1'])
    expect(await admin.call('ACL', 'LOG')).not.toEqual([])
  })

  it('costs, for keys outside its pattern, only those keys', async () => {
    const adapter = open(major, await user())
    await adapter.connect()
    const outcomes = await adapter.write([
      { key: 'app:1', value: Buffer.from('one'), ttl: TTL },
      { key: 'other:1', value: Buffer.from('CANARY'), ttl: TTL },
      { key: 'app:2', value: Buffer.from('two'), ttl: TTL },
    ])
    expect(outcomes.map(codeOf)).toEqual(['stored', 'ERR_NODE', 'stored'])
    expect(String(outcomes[1])).toContain('NOPERM')
    expect((await adapter.read(['app:1', 'other:1', 'app:2'])).map((each) => codeOf(each)?.toString())).toEqual([
      'one',
      'ERR_NODE',
      'two',
    ])
    expect((await adapter.remove(['app:1', 'other:1'])).map(codeOf)).toEqual(['deleted', 'ERR_NODE'])
  })

  it('reads one by one without MGET, and tries MGET once', async () => {
    const adapter = open(major, await denied('mget'))
    await adapter.connect()
    for (const key of keys(3)) await put(adapter, key, key)
    await admin.call('ACL', 'LOG', 'RESET')
    for (let round = 0; round < 5; round++) {
      const outcomes = await adapter.read([...keys(3), 'app:none'])
      expect(outcomes.map((each) => each?.toString())).toEqual([...keys(3), undefined])
    }
    const [entry] = (await admin.call('ACL', 'LOG')) as unknown[][]
    expect(entry?.slice(0, 2)).toEqual(['count', 1])
  })

  it('connects without INFO as somebody unknown, and serves', async () => {
    const adapter = open(major, await denied('info'))
    expect(await adapter.connect()).toEqual({ runId: '', role: 'unknown', version: '' })
    expect(await put(adapter, 'app:1', 'one')).toBe('stored')
    expect(await fetch(adapter, 'app:1')).toBe('one')
    await expect(adapter.powers.info?.()).rejects.toMatchObject({ name: 'NodeError', code: 'ERR_NODE' })
  })

  it('fails writes without SET and removals without DEL, per key', async () => {
    const mute = open(major, await user('-set', '-del'))
    await mute.connect()
    expect(codeOf(await put(mute, 'app:1', 'one'))).toBe('ERR_NODE')
    expect((await mute.remove(['app:1', 'app:2'])).map(codeOf)).toEqual(['ERR_NODE', 'ERR_NODE'])
    expect((await mute.remove(['app:1'])).map(codeOf)).toEqual(['ERR_NODE'])
  })

  it('needs SELECT for another database, and never uses the wrong one', async () => {
    await put(await connected(await user('allkeys')), 'app:1', 'of database 0')
    const without = open(major, await user(), { db: 1 })
    await expect(without.connect()).rejects.toMatchObject({ code: 'ERR_NODE' })
    expect(codeOf(await fetch(without, 'app:1'))).toBe('ERR_NODE')
    const withIt = open(major, await user('+select'), { db: 1 })
    await withIt.connect()
    expect(await fetch(withIt, 'app:1')).toBeUndefined()
  })

  const connected = async (url: string): Promise<ReturnType<typeof open>> => {
    const adapter = open(major, url)
    await adapter.connect()
    return adapter
  }
})
