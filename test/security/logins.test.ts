import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { isCacheError } from '../../src/base/errors.ts'
import { memcachedNode } from '../../src/memcached/index.ts'
import { redisNode } from '../../src/redis/index.ts'
import { MAJORS, type AppClient } from '../redis/majors.ts'
import { makeCache } from '../support/caches.ts'
import { startSasl } from '../support/sasl.ts'
import { startMemcached, startRedis, type TestServer } from '../support/servers.ts'

/** Passwords, and how else than wholly encoded they may stand in a URL. */
const PASSWORDS: [password: string, written: string[]][] = [
  ['plain', ['plain']],
  ['a:b::c', ['a:b::c']],
  ['a@b@', ['a@b@']],
  ['100%', []],
  ['%41', []],
  ['%', []],
  ['/a?b#c', []],
  ['[::1]:6379', []],
  ['pass word', []],
  ['quo"te\'s\\', []],
  ['a+b', ['a+b']],
  ['päss🔑', []],
  ['$a{b}|^~`&=;,!*()', []],
  ['x'.repeat(200), ['x'.repeat(200)]],
]

describe('a password that is hard to write', () => {
  let redis: TestServer
  let memcached: TestServer
  let admin: AppClient
  beforeAll(async () => {
    redis = await startRedis()
    memcached = await startMemcached()
    admin = (MAJORS[0] as (typeof MAJORS)[0]).client(redis.port)
  })
  afterAll(async () => {
    admin?.disconnect()
    await redis?.stop()
    await memcached?.stop()
  })

  it.each(PASSWORDS)('%j logs in to Redis', async (password, written) => {
    await admin.call('ACL', 'SETUSER', 'u:s@r', 'on', 'resetpass', `>${password}`, '~*', '+@all')
    const place = `127.0.0.1:${redis.port}`
    for (const form of [encodeURIComponent(password), ...written]) {
      const cache = await makeCache({ nodes: [redisNode(`redis://u%3As%40r:${form}@${place}`)] })
      expect(await cache.set('key', form)).toMatchObject({ ok: true })
    }
    const cache = await makeCache({ nodes: [redisNode(`redis://${place}`, { username: 'u:s@r', password })] })
    expect(await cache.set('key', 1)).toMatchObject({ ok: true })
  })

  it.each(PASSWORDS)('%j logs in to memcached', async (password, written) => {
    const sasl = await startSasl(memcached.port, { username: 'u:s@r', password })
    onTestFinished(() => sasl.stop())
    const place = `127.0.0.1:${sasl.port}`
    for (const form of [encodeURIComponent(password), ...written]) {
      const cache = await makeCache({ nodes: [memcachedNode(`memcached://u%3As%40r:${form}@${place}`)] })
      expect(await cache.set('key', form)).toMatchObject({ ok: true })
    }
    const cache = await makeCache({ nodes: [memcachedNode(`memcached://${place}`, { username: 'u:s@r', password })] })
    expect(await cache.set('key', 1)).toMatchObject({ ok: true })
  })
})

describe('what would weaken a connection unnoticed is refused', () => {
  it.each([
    'redis://h?tls=true',
    'redis://h/0?tls=false',
    'rediss://h?rejectUnauthorized=false',
    'rediss://h?ssl_cert_reqs=none',
    'rediss://h?verify=0',
    'redis://h?password=p',
    'redis://h?family=6',
    'redis+tls://h',
    'redis+ssl://h',
    'redis+srv://h',
    'redis-sentinel://h',
    'tls://h',
    'ssl://h',
    'http://h',
    'https://h:6379',
    'tcp://h',
    'unix:///run/redis.sock',
    'file:///run/redis.sock',
    'redis:h',
    'redis:/h',
    'redis:\\\\h',
    'redis//h',
    '//h',
    'redis://h:6379:6380',
    'redis://h,i,j',
    'redis://0x7f000001 ',
  ])('%s', (url) => {
    expect(thrown(() => redisNode(url))).toBe('ERR_URL')
    expect(thrown(() => redisNode('redis://h', { replicas: [url] }))).toBe('ERR_URL')
  })

  it.each([
    'memcacheds://h',
    'memcached+tls://h',
    'memcache://h',
    'rediss://h',
    'http://h',
    'memcached:h',
    'memcached:/h',
    'memcached://h?tls=true',
    'memcached://h#tls',
    'memcached://h/tls',
    'memcached://h:11211:11212',
    'memcached://h,i',
    'memcached://h\\@i',
    'memcached:///run/memcached.sock',
  ])('%s', (url) => {
    expect(thrown(() => memcachedNode(url))).toBe('ERR_URL')
  })

  it.each<[string, object]>([
    ['a misspelt option', { rejectUnauthorised: true }],
    ['an option of ioredis', { enableTLSForSentinelMode: true }],
    ['a switch that is no switch', { rejectUnauthorized: 'false' }],
    ['a switch that is 0', { rejectUnauthorized: 0 }],
    ['a check that is none', { checkServerIdentity: true }],
    ['an unknown version', { minVersion: 'TLSv9' }],
    ['no name', { servername: '' }],
  ])('TLS with %s', (_, tls) => {
    expect(thrown(() => redisNode('rediss://h', { tls: tls as never }))).toBe('ERR_OPTION')
  })

  it('TLS that is not said to be on or off', () => {
    for (const tls of ['true', 1, 'no', null, []])
      expect(thrown(() => redisNode('redis://h', { tls: tls as never }))).toBe('ERR_OPTION')
    expect(thrown(() => memcachedNode('memcached://h', { tls: true } as never))).toBe('ERR_OPTION')
  })
})

function thrown(make: () => unknown): unknown {
  try {
    return make()
  } catch (error) {
    return isCacheError(error) ? error.code : error
  }
}
