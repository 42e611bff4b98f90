import { inspect } from 'node:util'
import { Cluster } from 'ioredis'
import { Cluster as Cluster5 } from 'ioredis5'
import { describe, expect, it } from 'vitest'
import { redisNode, type RedisClient, type RedisNodeOptions } from '../../src/redis/index.ts'
import { MAJORS } from './majors.ts'

const CANARY = 's3cr3t-canary'
const LOOSE = redisNode as (target: unknown, options?: unknown) => ReturnType<typeof redisNode>

describe('redisNode', () => {
  it('is named by its address unless it has an id', () => {
    expect(redisNode('redis://h').id).toBe('h:6379')
    expect(redisNode('rediss://u:p@H:7000/2').id).toBe('h:7000')
    expect(redisNode('redis://[::1]').id).toBe('[::1]:6379')
    expect(redisNode('redis://h', { id: 'a', weight: 2, zone: 'z' })).toMatchObject({ id: 'a', weight: 2, zone: 'z' })
  })

  it('takes replicas as URLs and with zones', () => {
    const node = redisNode('redis://h', { replicas: ['redis://r1', { url: 'redis://r2:1', zone: 'z' }] })
    expect(node.replicas.map(({ address, zone }) => [address, zone])).toEqual([
      ['r1:6379', undefined],
      ['r2:1', 'z'],
    ])
  })

  it.each<[string, unknown]>([
    ['no object', 5],
    ['an unknown option', { passwort: CANARY }],
    ['a bad id', { id: '' }],
    ['a bad weight', { weight: 0 }],
    ['a bad zone', { zone: 5 }],
    ['a bad user name', { username: '', password: CANARY }],
    ['a password that is no string', { password: [CANARY] }],
    ['a user without a password', { username: 'u' }],
    ['a negative database', { db: -1 }],
    ['a database that is text', { db: '1' }],
    ['no time to connect', { connectTimeout: 0 }],
    ['endless time to connect', { connectTimeout: Infinity }],
    ['no room for values', { maxValueBytes: 0 }],
    ['room beyond what Redis has', { maxValueBytes: 2 ** 29 + 1 }],
    ['tls that is no object', { tls: 'yes' }],
    ['an unknown tls option', { tls: { host: 'h' } }],
    ['tls.rejectUnauthorized that is text', { tls: { rejectUnauthorized: 'false' } }],
    ['a certificate that is none', { tls: { ca: 'x', cert: CANARY } }],
    ['a key that is none', { tls: { key: `-----BEGIN PRIVATE KEY-----\n${CANARY}` } }],
    ['a passphrase of the wrong type', { tls: { pfx: Buffer.from('x'), passphrase: [CANARY] } }],
    ['replicas that are no array', { replicas: 'redis://h' }],
    ['a replica that is nothing', { replicas: [undefined] }],
    ['a replica without a place', { replicas: [{ zone: 'z' }] }],
    ['a replica with two places', { replicas: [{ url: 'redis://h', client: {} }] }],
    ['a replica with an unknown option', { replicas: [{ url: 'redis://h', password: CANARY }] }],
    ['a replica with a bad zone', { replicas: [{ url: 'redis://h', zone: '' }] }],
    ['a replica in another database', { db: 1, replicas: ['redis://r/2'] }],
  ])('refuses %s', (_, options) => {
    const error = caught(() => LOOSE('redis://h', options))
    expect(error).toMatchObject({ name: 'OptionError', code: 'ERR_OPTION' })
    expect(told(error)).not.toContain(CANARY)
  })

  it('refuses a bad URL among replicas', () => {
    expect(caught(() => redisNode('redis://h', { replicas: [`http://u:${CANARY}@h`] }))).toMatchObject({
      code: 'ERR_URL',
    })
  })

  it('refuses plain text for a URL that asks for TLS', () => {
    expect(caught(() => redisNode('rediss://h', { tls: false }))).toMatchObject({ code: 'ERR_OPTION' })
    expect(caught(() => redisNode('redis://h', { tls: false, replicas: ['rediss://r'] }))).toMatchObject({
      code: 'ERR_OPTION',
    })
  })

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['a number', 5],
    ['an options object', { host: 'h', password: CANARY }],
    ['another library’s client', { connect() {}, get() {}, set() {}, password: CANARY }],
  ])('refuses %s as a client', (_, target) => {
    const error = caught(() => LOOSE(target))
    expect(error).toMatchObject({ name: 'OptionError', code: 'ERR_CLIENT' })
    expect(told(error)).not.toContain(CANARY)
  })

  it.each([
    [5, Cluster5],
    [6, Cluster],
  ])('refuses a Cluster of ioredis %i', (_, Constructor) => {
    const cluster = new Constructor([{ host: '127.0.0.1', port: 1 }], { lazyConnect: true })
    expect(caught(() => LOOSE(cluster))).toMatchObject({
      code: 'ERR_CLIENT',
      message: expect.stringContaining('Cluster'),
    })
    expect(caught(() => LOOSE('redis://h', { replicas: [cluster] }))).toMatchObject({ code: 'ERR_CLIENT' })
    cluster.disconnect()
  })

  describe.each(MAJORS)('with a client of ioredis $major', ({ client }) => {
    const lazy = (options: object = {}): RedisClient => client(7000, { lazyConnect: true, ...options })

    it('is named by where the client connects to', () => {
      expect(redisNode(lazy({ host: '10.0.0.1' })).id).toBe('10.0.0.1:7000')
      expect(redisNode(lazy({ path: '/tmp/redis.sock' })).id).toBe('/tmp/redis.sock')
      expect(redisNode(lazy({ sentinels: [{ host: 'h', port: 1 }], name: 'main' })).id).toBe('sentinel:main')
    })

    it('refuses a pipeline, also for a replica', () => {
      const pipeline = lazy().pipeline()
      expect(caught(() => LOOSE(pipeline))).toMatchObject({
        code: 'ERR_CLIENT',
        message: expect.stringContaining('pipeline'),
      })
      expect(caught(() => LOOSE('redis://h', { replicas: [{ client: pipeline }] }))).toMatchObject({
        code: 'ERR_CLIENT',
      })
    })

    it('refuses a monitor', () => {
      expect(caught(() => redisNode(lazy({ monitor: true })))).toMatchObject({ code: 'ERR_CLIENT' })
    })

    it('takes clients as replicas, in the same database', () => {
      const node = redisNode(lazy(), { replicas: [lazy(), { client: lazy(), zone: 'z' }] })
      expect(node.replicas.map(({ zone }) => zone)).toEqual([undefined, 'z'])
      expect(caught(() => redisNode(lazy(), { replicas: [lazy({ db: 1 })] }))).toMatchObject({ code: 'ERR_OPTION' })
    })

    it.each(['username', 'password', 'db', 'tls'])('refuses the option %s, which would do nothing', (name) => {
      const value = { username: 'u', password: 'p', db: 1, tls: true }[name]
      expect(caught(() => LOOSE(lazy(), { [name]: value }))).toMatchObject({ code: 'ERR_OPTION' })
      if (name === 'username' || name === 'db') return
      expect(LOOSE(lazy(), { [name]: value, replicas: ['redis://r'] }).replicas).toHaveLength(1)
    })

    it('has one fingerprint per client', () => {
      const [a, b] = [lazy(), lazy()]
      expect(print(redisNode(a))).toBe(print(redisNode(a, { id: 'other' })))
      expect(print(redisNode(a))).not.toBe(print(redisNode(b)))
    })

    it('does not show the client’s password', () => {
      expect(told(redisNode(lazy({ password: CANARY })))).not.toContain(CANARY)
    })
  })

  it('has the same fingerprint for the same connection, another one for any other', () => {
    const base: RedisNodeOptions = {
      username: 'u',
      password: 'p',
      db: 1,
      tls: { servername: 's' },
      connectTimeout: 100,
    }
    const identity = (): undefined => undefined
    const others: [string, RedisNodeOptions][] = [
      ['redis://h:1', base],
      ['redis://i', base],
      ['redis://h', { ...base, username: 'v' }],
      ['redis://h', { ...base, password: 'q' }],
      ['redis://h', { ...base, db: 2 }],
      ['redis://h', { ...base, tls: true }],
      ['redis://h', { ...base, tls: { servername: 't' } }],
      ['redis://h', { ...base, tls: { servername: 's', passphrase: 'x' } }],
      ['redis://h', { ...base, tls: { servername: 's', checkServerIdentity: identity } }],
      ['redis://h', { ...base, connectTimeout: 101 }],
      ['redis://h', { ...base, maxValueBytes: 1 }],
    ]
    const prints = [
      print(redisNode('redis://h', base)),
      ...others.map(([url, options]) => print(redisNode(url, options))),
    ]
    expect(new Set(prints).size).toBe(prints.length)
    for (const [url, options] of others)
      expect(prints).toContain(print(redisNode(url, { ...options, id: 'x', weight: 3 })))
    expect(print(redisNode('redis://u:p@h/1'))).toBe(
      print(redisNode('redis://h', { username: 'u', password: 'p', db: 1 })),
    )
    expect(print(redisNode('rediss://h'))).toBe(print(redisNode('redis://h', { tls: true })))
  })

  it('lets options beat the URL, and a replica’s URL beat the options', () => {
    const url = redisNode('redis://u:p@h/3')
    expect(print(redisNode('redis://x:y@h/4', { username: 'u', password: 'p', db: 3 }))).toBe(print(url))
    const node = redisNode('redis://h/3', {
      username: 'u',
      password: 'p',
      replicas: ['redis://h', 'redis://v:q@h', 'redis://h/3'],
    })
    expect(node.replicas[0]?.fingerprint).toBe(print(url))
    expect(node.replicas[1]?.fingerprint).toBe(print(redisNode('redis://v:q@h/3')))
    expect(node.replicas[2]?.fingerprint).toBe(print(url))
  })

  it('shows no password anywhere', () => {
    const node = redisNode(`redis://u:${CANARY}@h`, {
      replicas: [`redis://v:${CANARY}@h`],
      tls: { passphrase: CANARY },
    })
    expect(told(node)).not.toContain(CANARY)
  })
})

function print(node: ReturnType<typeof redisNode>): unknown {
  return node.primary.fingerprint
}

function told(thing: unknown): string {
  return inspect(thing, { depth: 12, showHidden: true }) + JSON.stringify(thing) + String(thing)
}

function caught(run: () => unknown): unknown {
  try {
    run()
  } catch (error) {
    return error
  }
  return undefined
}
