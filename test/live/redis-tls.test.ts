import { createServer, type AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Authority } from '../redis/certificates.ts'
import { codeOf, fetch, opener, put } from '../redis/harness.ts'
import { MAJORS, type Major } from '../redis/majors.ts'
import { startTls, type TlsServer } from '../redis/tls-server.ts'
import { startRedis, until, type TestServer } from '../support/servers.ts'

// Which of them it is depends on the version of OpenSSL.
const UNTRUSTED = 'its certificate was refused \\((SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_VERIFY_LEAF_SIGNATURE)'

describe.each(MAJORS)('redisNode over TLS, ioredis $major', (major: Major) => {
  const open = opener()
  const authority = new Authority('test authority')
  const stranger = new Authority('another authority')
  let redis: TestServer
  let secure: TlsServer
  let port: number
  beforeAll(async () => {
    redis = await startRedis()
    secure = await startTls(authority, redis.port)
    port = secure.port
  })
  afterAll(async () => {
    secure.stop()
    await redis.stop()
  })

  const ca = authority.cert
  it.each([
    ['a rediss URL and a CA', 'rediss://127.0.0.1', { tls: { ca } }],
    ['a REDISS URL', 'REDISS://127.0.0.1', { tls: { ca } }],
    ['a redis URL with tls', 'redis://127.0.0.1', { tls: { ca } }],
    ['a host name', 'rediss://localhost', { tls: { ca } }],
    ['a name to check', 'rediss://127.0.0.1', { tls: { ca, servername: 'localhost' } }],
    ['bytes', 'rediss://127.0.0.1', { tls: { ca: new Uint8Array(Buffer.from(ca)), minVersion: 'TLSv1.3' as const } }],
    ['no verification', 'rediss://127.0.0.1', { tls: { rejectUnauthorized: false } }],
    ['a client certificate', 'rediss://127.0.0.1', { tls: { ca, ...authority.issue('me', '127.0.0.1') } }],
  ])('works with %s', async (_, url, options) => {
    const adapter = open(major, `${url}:${port}`, options)
    await adapter.connect()
    expect(await put(adapter, 'a', 'x')).toBe('stored')
    expect(await fetch(adapter, 'a')).toBe('x')
    adapter.reset()
    await adapter.connect()
    expect(await fetch(adapter, 'a')).toBe('x')
  })

  it('sends the host as server name, where it is a name', async () => {
    secure.names.length = 0
    await open(major, `rediss://localhost:${port}`, { tls: { ca } }).connect()
    await open(major, `rediss://127.0.0.1:${port}`, { tls: { ca } }).connect()
    await open(major, `rediss://127.0.0.1:${port}`, { tls: { ca, servername: 'localhost' } }).connect()
    expect(secure.names).toEqual(['localhost', false, 'localhost'])
  })

  it.each([
    ['no CA', 'rediss://127.0.0.1', {}, UNTRUSTED],
    ['another CA', 'REDISS://127.0.0.1', { tls: { ca: stranger.cert } }, UNTRUSTED],
    [
      'another name',
      'rediss://127.0.0.1',
      { tls: { ca, servername: 'other' } },
      'its certificate was refused \\(ERR_TLS_CERT_ALTNAME_INVALID',
    ],
    ['plain text', 'redis://127.0.0.1', {}, ''],
  ])('does not work with %s', async (_, url, options, reason) => {
    const adapter = open(major, `${url}:${port}`, options)
    await expect(adapter.connect()).rejects.toMatchObject({
      code: 'ERR_NODE_DOWN',
      message: expect.stringMatching(new RegExp(`^127.0.0.1:${port} cannot be reached: ${reason}`)),
    })
    expect(codeOf(await put(adapter, 'b', 'x'))).toBe('ERR_NODE_DOWN')
  })

  it('sends nothing in plain text, whatever the case of the scheme', async () => {
    const received: Buffer[] = []
    const listener = createServer((socket) => socket.on('data', (data) => received.push(data)).on('error', () => {}))
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
    const target = `REDISS://:s3cr3t-canary@127.0.0.1:${(listener.address() as AddressInfo).port}`
    const adapter = open(major, target, { connectTimeout: 300 })
    await expect(adapter.connect()).rejects.toMatchObject({ code: 'ERR_NODE_DOWN' })
    await until(() => received.length > 0, 'the first bytes')
    await adapter.close()
    listener.close()
    const bytes = Buffer.concat(received)
    // The first byte of a TLS handshake record.
    expect(bytes[0]).toBe(22)
    expect(bytes.toString('latin1')).not.toContain('s3cr3t-canary')
  })
})
