import { inspect } from 'node:util'
import { Server } from 'memjs'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { memcachedNode } from '../../src/memcached/index.ts'
import type { NodeAdapter } from '../../src/node/contract.ts'
import { bareContext } from '../support/context.ts'
import { describeAdapter } from '../../src/testing/index.ts'
import { startSasl, type SaslServer } from '../support/sasl.ts'
import { startMemcached, type TestServer } from '../support/servers.ts'

const PASSWORD = 'canary:p@ss/wörd'
const LIST = 0x20
const LOGIN = 0x21
let server: TestServer
let sasl: SaslServer
const adapters: NodeAdapter[] = []

beforeAll(async () => {
  server = await startMemcached()
})
beforeEach(async () => {
  sasl = await startSasl(server.port, { username: 'app', password: PASSWORD })
})
afterEach(async () => {
  for (const adapter of adapters.splice(0)) await adapter.close()
  await sasl?.stop()
})
afterAll(() => server?.stop())

function open(login: string, port: number = sasl.port): NodeAdapter {
  const adapter = memcachedNode(`memcached://${login}127.0.0.1:${port}`).primary.open(bareContext)
  adapters.push(adapter)
  return adapter
}

describe('SASL', () => {
  it('logs in with what the URL or the options say', async () => {
    const adapter = open(`app:${encodeURIComponent(PASSWORD)}@`)
    expect(await adapter.connect()).toMatchObject({ role: 'primary' })
    expect(sasl.greeted).toEqual([LIST, LOGIN])
    expect(await adapter.write([{ key: 'a', value: Buffer.from('1'), ttl: 60_000 }])).toEqual(['stored'])
    expect(await adapter.read(['a'])).toEqual([Buffer.from('1')])

    const options = { username: 'app', password: PASSWORD }
    const other = memcachedNode(`memcached://127.0.0.1:${sasl.port}`, options).primary.open(bareContext)
    adapters.push(other)
    expect(await other.read(['a'])).toEqual([Buffer.from('1')])
  })

  it('logs in again on every new connection', async () => {
    const adapter = open(`app:${encodeURIComponent(PASSWORD)}@`)
    await adapter.connect()
    adapter.reset()
    expect(await adapter.read(['none'])).toEqual([undefined])
    expect(sasl.greeted).toEqual([LIST, LOGIN, LIST, LOGIN])
  })

  it.each([
    ['a wrong password', 'app:canary-wrong@', 'refused the user name or the password'],
    ['a wrong user name', `canary-other:${encodeURIComponent(PASSWORD)}@`, 'refused the user name or the password'],
    ['no credentials', '', 'asks for a user name and a password'],
  ])('%s: ERR_AUTH on connect and per key, with no secret in it', async (_, login, text) => {
    const adapter = open(login)
    const error: unknown = await adapter.connect().catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ name: 'NodeError', code: 'ERR_AUTH' })
    expect((error as Error).message).toContain(text)
    const outcomes = [
      ...(await adapter.read(['a', 'b'])),
      ...(await adapter.write([{ key: 'a', value: Buffer.from('1'), ttl: 1 }])),
      ...(await adapter.remove(['a'])),
    ]
    expect(outcomes).toMatchObject(Array.from({ length: 4 }, () => ({ code: 'ERR_AUTH' })))
    const told = [error, ...outcomes]
      .map((one) => inspect(one, { depth: 9, showHidden: true }) + JSON.stringify(one))
      .join()
    expect(told).not.toContain('canary')
    expect(told).not.toContain(encodeURIComponent(PASSWORD))
  })

  it('credentials for a server that knows no login: ERR_AUTH that says so', async () => {
    const error: unknown = await open('app:x@', server.port)
      .connect()
      .catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'ERR_AUTH' })
    expect((error as Error).message).toContain('knows no login')
  })

  it('a server without the mechanism PLAIN is not told the password', async () => {
    await sasl.stop()
    sasl = await startSasl(server.port, { username: 'app', password: 'x', mechanisms: 'SCRAM-SHA-1 XPLAIN' })
    await expect(open('app:x@').connect()).rejects.toMatchObject({ code: 'ERR_AUTH' })
    expect(sasl.greeted).toEqual([LIST])
  })
})

describe('the environment', () => {
  it('has no say in credentials', async () => {
    for (const name of ['MEMCACHIER', 'MEMCACHE']) {
      vi.stubEnv(`${name}_USERNAME`, 'app')
      vi.stubEnv(`${name}_PASSWORD`, PASSWORD)
      vi.stubEnv(`${name}_SERVERS`, '192.0.2.1:1')
    }
    // The control: a memjs Server by itself takes them.
    expect(new Server('127.0.0.1', 1)).toMatchObject({ username: 'app', password: PASSWORD })

    await expect(open('').connect()).rejects.toMatchObject({ code: 'ERR_AUTH' })
    await expect(open('app:x@').connect()).rejects.toMatchObject({ code: 'ERR_AUTH' })
    expect(sasl.greeted.filter((opcode) => opcode === LOGIN)).toHaveLength(1)
    expect(await open('', server.port).read(['none'])).toEqual([undefined])
  })
})

describeAdapter(
  'memcachedNode with SASL',
  {
    open: async (context) => {
      sasl ??= await startSasl(server.port, { username: 'app', password: PASSWORD })
      return memcachedNode(`memcached://127.0.0.1:${sasl.port}`, { username: 'app', password: PASSWORD }).primary.open(
        context,
      )
    },
  },
  { describe, it },
)
