import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { redisNode } from '../../src/redis/index.ts'
import { parseRedisUrl, redactUrl } from '../../src/redis/url.ts'

const CANARY = 's3cr3t-canary'

describe('a Redis URL', () => {
  it.each([
    ['redis://h', { host: 'h', port: 6379, tls: false }],
    ['redis://h/', { host: 'h', port: 6379, tls: false }],
    ['redis://h:1', { host: 'h', port: 1, tls: false }],
    ['redis://h:65535/15', { host: 'h', port: 65535, tls: false, db: 15 }],
    ['rediss://h:6380', { host: 'h', port: 6380, tls: true }],
    ['REDIS://h', { host: 'h', port: 6379, tls: false }],
    ['REDISS://h', { host: 'h', port: 6379, tls: true }],
    ['Rediss://H.Example', { host: 'h.example', port: 6379, tls: true }],
    ['redis://cache-1.internal_net:7000', { host: 'cache-1.internal_net', port: 7000, tls: false }],
    ['redis://127.0.0.1:7000/0', { host: '127.0.0.1', port: 7000, tls: false, db: 0 }],
    ['redis://[::1]', { host: '::1', port: 6379, tls: false }],
    [
      'redis://u:p@[2001:db8::1]:7000/2',
      { host: '2001:db8::1', port: 7000, tls: false, username: 'u', password: 'p', db: 2 },
    ],
    ['redis://:p@h', { host: 'h', port: 6379, tls: false, password: 'p' }],
    ['redis://u@h', { host: 'h', port: 6379, tls: false, username: 'u' }],
    ['redis://u:p:q@h', { host: 'h', port: 6379, tls: false, username: 'u', password: 'p:q' }],
    [
      'redis://u%40x:%40%3A%2F%23%3F%25%20%C3%A9@h',
      { host: 'h', port: 6379, tls: false, username: 'u@x', password: '@:/#?% é' },
    ],
    ['redis://:a+b@h', { host: 'h', port: 6379, tls: false, password: 'a+b' }],
  ])('%s is understood', (url, place) => {
    expect(parseRedisUrl(url)).toEqual(place)
  })

  it.each([
    '',
    'h',
    'h:6379',
    '/tmp/redis.sock',
    `u:${CANARY}@h:6379`,
    `http://u:${CANARY}@h`,
    `memcached://u:${CANARY}@h`,
    `unix:///tmp/${'x'}`,
    `redis:u:${CANARY}@h`,
    `redis:/u:${CANARY}@h`,
    'redis://',
    'redis:///0',
    'redis://:6379',
    `redis://:${CANARY}@`,
    `redis://:${CANARY}@:6379`,
    `redis://:${CANARY}`,
    `redis://u:${CANARY}`,
    `redis://u:${CANARY}:6379`,
    `redis://u:${CANARY}@h:0`,
    `redis://u:${CANARY}@h:65536`,
    `redis://u:${CANARY}@h:-1`,
    `redis://u:${CANARY}@h:6379x`,
    `redis://u:${CANARY}@h/-1`,
    `redis://u:${CANARY}@h/one`,
    `redis://u:${CANARY}@h/1/2`,
    `redis://u:${CANARY}@h/1.5`,
    `redis://u:${CANARY}@h/1234567890`,
    `redis://u:${CANARY}@h/0?enableOfflineQueue=false`,
    `redis://u:${CANARY}@h?`,
    `redis://h?password=${CANARY}`,
    `redis://h/0#${CANARY}`,
    `redis://u:${CANARY}@h#`,
    `redis://u:${CANARY}?x@h`,
    `redis://u:x#${CANARY}@h`,
    `redis://u:x/${CANARY}@h`,
    `redis://u:x@${CANARY}@@h/x`,
    `redis://${CANARY}@h/x`,
    `redis://u:${CANARY}%zz@h`,
    `redis://u:${CANARY}%ff@h`,
    `redis://u:${CANARY}@h h`,
    `redis://u:${CANARY}@h\n`,
    ` redis://u:${CANARY}@h`,
    `redis://u:${CANARY}\0@h`,
    `redis://u:${CANARY}@[::1`,
    `redis://u:${CANARY}@[::g]`,
    `redis://u:${CANARY}@::1`,
    `redis://u:${CANARY}@h%20h`,
    `redis://u:${CANARY}@h,i`,
    `redis://u:${CANARY}@-h`,
    `redis-sentinel://u:${CANARY}@h`,
    `rediss+sentinel://u:${CANARY}@h`,
  ])('%j is refused, and its password kept', (url) => {
    let error: unknown
    try {
      redisNode(url)
    } catch (caught) {
      error = caught
    }
    expect(error).toMatchObject({
      name: 'OptionError',
      code: 'ERR_URL',
      message: expect.stringContaining('; given: "'),
    })
    const told = inspect(error, { depth: 9, showHidden: true }) + JSON.stringify(error) + String(error)
    expect(told).not.toContain(CANARY)
  })

  it('is quoted with all but the password', () => {
    expect(redactUrl('redis://cache:secret@10.0.0.1:6379/one')).toBe('redis://cache:***@10.0.0.1:6379/one')
    expect(redactUrl('redis://10.0.0.1:6379/one')).toBe('redis://10.0.0.1:6379/one')
    expect(redactUrl('redis://secret@h/one')).toBe('redis://***@h/one')
    expect(redactUrl('redis://:secret')).toBe('redis://:***')
    expect(redactUrl('redis://:12345')).toBe('redis://:***')
    expect(redactUrl('redis://[::1]:x/1?a=b')).toBe('redis://[::1]:***/1?***')
  })
})
