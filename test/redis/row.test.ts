import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { seededRandom } from '../../src/testing/index.ts'
import { startRedis, type TestServer } from '../support/servers.ts'
import { codeOf, fetch, opener, put, TTL } from './harness.ts'
import { MAJORS } from './majors.ts'

let server: TestServer
beforeAll(async () => {
  server = await startRedis()
})
afterAll(() => server.stop())

interface Seen {
  readonly name: string
  readonly args: readonly string[]
  resolve: (reply: unknown) => void
}

describe.each(MAJORS)('rows of commands, through ioredis $major', (major) => {
  const open = opener()

  it('keep every byte of keys and values, whatever they are, and answer each for itself', async () => {
    const adapter = open(major, server.url)
    await adapter.connect()
    const random = seededRandom(5)
    const items = Array.from({ length: 700 }, (_, i) => ({
      key: `{${major.major}}:${i}:${['plain', 'schlüssel', '鍵', '🔑', 'a\r\nb'][i % 5] as string}`,
      value: Uint8Array.from({ length: i % 300 }, () => random() * 256),
      ttl: TTL + i,
    }))
    const keys = items.map(({ key }) => key)
    expect(new Set(await adapter.write(items))).toEqual(new Set(['stored']))
    const read = await adapter.read(keys)
    expect(read.map((value) => Buffer.from(value as Uint8Array).toString('hex'))).toEqual(
      items.map(({ value }) => Buffer.from(value).toString('hex')),
    )
    const removed = await adapter.remove([...keys.slice(0, 300), 'nothing', ...keys.slice(0, 10)])
    expect(removed).toEqual([...Array(300).fill('deleted'), 'absent', ...Array(10).fill('absent')])
  })

  it('of one command are what a single call sends', async () => {
    const adapter = open(major, server.url)
    await adapter.connect()
    expect([await put(adapter, 'one', 'value'), await fetch(adapter, 'one')]).toEqual(['stored', 'value'])
    expect([await adapter.remove(['one']), await fetch(adapter, 'one')]).toEqual([['deleted'], undefined])
  })

  it('that the server refuses fail one by one', async () => {
    const client = major.client(server.port)
    await client.call('ACL', 'SETUSER', 'some', 'on', '>pw', 'resetkeys', '~mine:*', '+@all')
    const adapter = open(major, server.url.replace('redis://', 'redis://some:pw@'))
    await adapter.connect()
    const outcomes = await adapter.write(
      ['mine:1', 'theirs:1', 'mine:2'].map((key) => ({ key, value: Buffer.from('v'), ttl: TTL })),
    )
    expect(outcomes.map(codeOf)).toEqual(['stored', 'ERR_NODE', 'stored'])
    expect((await adapter.remove(['mine:1', 'theirs:1'])).map(codeOf)).toEqual(['deleted', 'ERR_NODE'])
    client.disconnect()
  })

  it('fail together when the connection ends, and those that come then at once', async () => {
    const own = await startRedis()
    const adapter = open(major, own.url)
    await adapter.connect()
    own.pause()
    const items = Array.from({ length: 100 }, (_, i) => ({ key: `k${i}`, value: Buffer.from('v'), ttl: TTL }))
    const writing = adapter.write(items)
    adapter.reset()
    expect(new Set((await writing).map(codeOf))).toEqual(new Set(['ERR_NODE_DOWN']))
    expect(new Set((await adapter.write(items)).map(codeOf))).toEqual(new Set(['ERR_NODE_DOWN']))
    own.resume()
    await own.stop()
  })

  it('are seen by what wraps the client’s sendCommand, as instrumentations do', async () => {
    const seen: string[] = []
    const Wrapped = class extends (major.Redis as new (options: object) => {
      sendCommand(...given: unknown[]): unknown
    }) {
      override sendCommand(...given: unknown[]): unknown {
        const command = given[0] as Seen
        const { resolve } = command
        command.resolve = (reply) => {
          seen.push(`${command.name} ${command.args[0] ?? ''}`.trim())
          resolve.call(command, reply)
        }
        return super.sendCommand(...given)
      }
    }
    const adapter = open({ ...major, Redis: Wrapped }, server.url)
    await adapter.connect()
    expect([await put(adapter, 'wrapped', 'value'), await fetch(adapter, 'wrapped')]).toEqual(['stored', 'value'])
    await adapter.remove(['wrapped'])
    expect(seen.filter((each) => each.endsWith('wrapped'))).toEqual(['set wrapped', 'get wrapped', 'del wrapped'])
    const items = ['row', 'other'].map((key) => ({ key, value: Buffer.from('v'), ttl: TTL }))
    expect([await adapter.write(items), await adapter.read(['row', 'other'])]).toMatchObject([
      ['stored', 'stored'],
      items.map(({ value }) => value),
    ])
    expect(seen.slice(-2)).toEqual(['set row', 'mget row'])
  })

  it('are the client’s own commands in a version that is built otherwise', async () => {
    const seen: string[] = []
    const Other = class extends (major.Redis as new (options: object) => {
      commandQueue: { peekFront?: unknown }
      resetCommandQueue(): void
      sendCommand(...given: unknown[]): unknown
    }) {
      override resetCommandQueue(): void {
        super.resetCommandQueue()
        this.commandQueue.peekFront = undefined
      }

      override sendCommand(...given: unknown[]): unknown {
        seen.push((given[0] as Seen).name)
        return super.sendCommand(...given)
      }
    }
    const adapter = open({ ...major, Redis: Other }, server.url)
    await adapter.connect()
    const items = ['own', 'commands'].map((key) => ({ key, value: Buffer.from('v'), ttl: TTL }))
    expect(await adapter.write(items)).toEqual(['stored', 'stored'])
    expect(await adapter.read(['own', 'commands'])).toMatchObject(items.map(({ value }) => value))
    expect(await adapter.remove(['own', 'commands'])).toEqual(['deleted', 'deleted'])
    expect(seen.slice(-5)).toEqual(['set', 'set', 'mget', 'del', 'del'])
  })
})
