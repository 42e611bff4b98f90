import { connect, type AddressInfo, type Server } from 'node:net'
import { createServer, type TlsOptions } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { RedisNodeOptions } from '../../src/redis/index.ts'
import { makeRedisNode } from '../../src/redis/node.ts'
import { Authority, type Certificate } from '../redis/certificates.ts'
import { codeOf, fetch, opener, put } from '../redis/harness.ts'
import { MAJORS, type Major } from '../redis/majors.ts'
import { makeCache } from '../support/caches.ts'
import { bareContext } from '../support/context.ts'
import { redisCalls, resetStats } from '../support/fleet.ts'
import { startRedis, type TestServer } from '../support/servers.ts'
import { exercise, leaks, secret, told, Watch } from './canary.ts'

const DAY = 86_400_000
const authority = new Authority('test authority')
const ca = authority.cert
const good = authority.issue('localhost', '127.0.0.1')
const mine = authority.issue('me', '127.0.0.1')
const PASSWORD = secret('password')

/** What `make` makes in another time: a certificate that is good for a day from then, and since a day before. */
function inAnotherTime<T>(offset: number, make: () => T): T {
  const clock = vi.spyOn(Date, 'now').mockReturnValue(Date.now() + offset)
  try {
    return make()
  } finally {
    clock.mockRestore()
  }
}

describe.each(MAJORS)('TLS with a certificate authority of our own, ioredis $major', (major: Major) => {
  const open = opener()
  let redis: TestServer
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis?.stop())

  /** A TLS server before Redis; gives its port. */
  async function secure(certificate: Certificate, options: TlsOptions = {}): Promise<number> {
    const server: Server = createServer({ ...certificate, ...options }, (socket) => {
      const upstream = connect(redis.port, '127.0.0.1')
      socket.on('error', () => upstream.destroy()).on('close', () => upstream.destroy())
      upstream.on('error', () => socket.destroy()).on('close', () => socket.destroy())
      socket.pipe(upstream).pipe(socket)
    }).on('tlsClientError', () => {})
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    return (server.address() as AddressInfo).port
  }

  async function refused(
    port: number,
    options: RedisNodeOptions,
    reason: RegExp,
    url = 'rediss://127.0.0.1',
  ): Promise<void> {
    await resetStats(redis)
    const adapter = open(major, `${url}:${port}`, options)
    await expect(adapter.connect()).rejects.toMatchObject({
      code: 'ERR_NODE_DOWN',
      message: expect.stringMatching(reason),
    })
    expect(codeOf(await put(adapter, 'key', 'x'))).toBe('ERR_NODE_DOWN')
    expect(codeOf(await fetch(adapter, 'key'))).toBe('ERR_NODE_DOWN')
    expect(await redisCalls(redis, 'set', 'get', 'auth', 'hello')).toBe(0)
  }

  it.each<[string, () => Certificate, RegExp]>([
    ['expired', () => inAnotherTime(-3 * DAY, () => authority.issue('localhost', '127.0.0.1')), /CERT_HAS_EXPIRED/],
    [
      'not good yet',
      () => inAnotherTime(3 * DAY, () => authority.issue('localhost', '127.0.0.1')),
      /CERT_NOT_YET_VALID/,
    ],
    ['for another address', () => authority.issue('localhost', '127.0.0.2'), /ERR_TLS_CERT_ALTNAME_INVALID/],
    ['of a stranger with the same name', () => new Authority('test authority').issue('localhost', '127.0.0.1'), /CERT/],
  ])('a certificate that is %s is refused', async (_, make, reason) => {
    const port = await secure(make())
    for (const url of ['rediss://127.0.0.1', 'REDISS://127.0.0.1', 'RedisS://127.0.0.1'])
      await refused(port, { tls: { ca } }, reason, url)
    await refused(port, { tls: { ca } }, reason, 'redis://127.0.0.1')
    // The control: what is refused is the certificate, and nothing else.
    const lenient = open(major, `REDISS://127.0.0.1:${port}`, { tls: { ca, rejectUnauthorized: false } })
    await lenient.connect()
    expect(await put(lenient, 'key', 'x')).toBe('stored')
  })

  it('a server that asks for a certificate gets the right one, or nobody in', async () => {
    const port = await secure(good, { ca, requestCert: true, rejectUnauthorized: true })
    const welcome = open(major, `rediss://127.0.0.1:${port}`, { tls: { ca, ...mine } })
    await welcome.connect()
    expect(await put(welcome, 'key', 'x')).toBe('stored')
    await refused(port, { tls: { ca } }, /cannot be reached/)
    await refused(port, { tls: { ca, ...new Authority('stranger').issue('me', '127.0.0.1') } }, /cannot be reached/)
  })

  it('a server with an old version of TLS only is refused', async () => {
    const port = await secure(good, { maxVersion: 'TLSv1.2' })
    await refused(port, { tls: { ca, minVersion: 'TLSv1.3' } }, /cannot be reached/)
  })

  it.each(['rediss', 'REDISS', 'Rediss', 'rEDISs'])('%s:// never speaks to a server of plain text', async (scheme) => {
    await refused(redis.port, { connectTimeout: 300, password: PASSWORD }, /cannot be reached/, `${scheme}://127.0.0.1`)
    const cache = await makeCache({
      nodes: [makeRedisNode(major.Redis, `${scheme}://127.0.0.1:${redis.port}`, { connectTimeout: 300 })],
    })
    expect(await cache.set('key', 1)).toEqual({ ok: false, status: 'failed' })
    expect(await redisCalls(redis, 'set', 'get', 'auth', 'hello')).toBe(0)
  })

  it('a replica with a rediss:// URL speaks TLS where its primary does not, and the option holds for both', async () => {
    const port = await secure(good)
    const at = (url: string, options: RedisNodeOptions): Promise<unknown> =>
      makeRedisNode(major.Redis, url, options).replicas[0]!.open(bareContext).connect()
    const plain = `redis://127.0.0.1:${redis.port}`
    await expect(at(plain, { replicas: [`REDISS://127.0.0.1:${port}`] })).rejects.toThrow('its certificate was refused')
    await expect(at(plain, { replicas: [`redis://127.0.0.1:${port}`], tls: { ca: mine.cert } })).rejects.toThrow(
      'its certificate was refused',
    )
  })

  it('no secret is told when the handshake fails', async () => {
    const watch = new Watch()
    const strange = await secure(new Authority('stranger').issue('localhost', '127.0.0.1'))
    const demanding = await secure(good, {
      ca: new Authority('other').cert,
      requestCert: true,
      rejectUnauthorized: true,
    })
    const url = (port: number): string => `REDISS://app:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}`
    const tls = { ca, ...mine, passphrase: PASSWORD }
    for (const port of [strange, demanding, redis.port])
      for (const onNodeError of ['miss', 'throw'] as const) {
        const node = makeRedisNode(major.Redis, url(port), { tls, connectTimeout: 300 })
        const cache = await makeCache({ nodes: [node], onNodeError, nodeTimeout: 50 })
        watch.listen(cache)
        await exercise(cache, watch, ['k1', 'k2'])
        watch.heard.push(node)
      }
    const said = watch.stop()
    expect(leaks(said)).toEqual([])
    expect(said).not.toContain(mine.key.split('\n')[1])
    expect(watch.types).toContain('node-error')
    // The control: the search would find the key.
    expect(told({ tls: mine }).includes(mine.key.split('\n')[1] as string)).toBe(true)
  })
})
