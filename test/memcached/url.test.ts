import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { isCacheError } from '../../src/base/errors.ts'
import { memcachedNode, type MemcachedNodeOptions } from '../../src/memcached/index.ts'
import { parseMemcachedUrl, redactUrl } from '../../src/memcached/url.ts'
import { bareContext } from '../support/context.ts'

const SECRET = 'canary-s3cret'

describe('parseMemcachedUrl', () => {
  it.each([
    ['memcached://10.0.0.2:11212', '10.0.0.2', 11212, '10.0.0.2:11212'],
    ['memcached://10.0.0.2', '10.0.0.2', 11211, '10.0.0.2:11211'],
    ['memcached://10.0.0.2/', '10.0.0.2', 11211, '10.0.0.2:11211'],
    ['MEMCACHED://Cache_1.Example', 'cache_1.example', 11211, 'cache_1.example:11211'],
    ['memcached://[::1]', '::1', 11211, '[::1]:11211'],
    ['memcached://[FE80::1]:7', 'fe80::1', 7, '[fe80::1]:7'],
    ['memcached://c:65535', 'c', 65535, 'c:65535'],
  ])('%s', (url, host, port, address) => {
    expect(parseMemcachedUrl(url)).toEqual({ host, port, address, credentials: undefined })
  })

  it.each([
    ['memcached://app:secret@h', 'app', 'secret'],
    ['memcached://app:a:b::c@h', 'app', 'a:b::c'],
    ['memcached://app:a@b@h', 'app', 'a@b'],
    ['memcached://a%40b:%2F%3F%23%25%C3%A9@h:1', 'a@b', '/?#%é'],
    ['memcached://a:b@[::1]:1', 'a', 'b'],
  ])('%s', (url, username, password) => {
    expect(parseMemcachedUrl(url).credentials).toEqual({ username, password })
  })

  it.each([
    ['', 'must look like memcached://'],
    ['localhost:11211', 'must look like memcached://'],
    ['memcached:/h', 'must look like memcached://'],
    ['redis://h', 'must begin with memcached://'],
    ['memcacheds://h', 'must begin with memcached://'],
    ['memcached://', 'must name a host'],
    ['memcached://:11211', 'must name a host'],
    ['memcached://a b', 'must name a host'],
    ['memcached://a\r\nb', 'must name a host'],
    ['memcached://exämple', 'must name a host'],
    ['memcached://[::g]', 'must name a host'],
    ['memcached://::1', 'must name a host'],
    ['memcached://h:0', 'must have a port'],
    ['memcached://h:65536', 'must have a port'],
    ['memcached://h:', 'must have a port'],
    ['memcached://h:1x', 'must have a port'],
    ['memcached://h,i', 'must name a host'],
    ['memcached://h/1', 'has no path'],
    ['memcached://h?timeout=1', 'has no query'],
    ['memcached://h#1', 'has no query'],
    ['memcached://app@h', 'must have both'],
    ['memcached://app:@h', 'must have both'],
    ['memcached://:secret@h', 'must have both'],
    ['memcached://a:%zz@h', 'broken percent-encoding'],
    ['memcached://a:%00@h', 'cannot have NUL'],
    ['memcached://a:b/c@h', 'percent-encoded'],
  ])('refuses %j', (url, message) => {
    const error = caught(() => memcachedNode(url))
    expect(isCacheError(error, 'ERR_URL')).toBe(true)
    expect((error as Error).message).toContain(message)
    expect((error as Error).message).toContain('given: ')
  })

  it.each([
    [`memcached://app:${SECRET}@h:0`, 'memcached://app:***@h:0'],
    [`redis://app:${SECRET}@h`, 'redis://app:***@h'],
    [`app:${SECRET}@h`, 'app:***@h'],
    [`a:x://${SECRET}@h`, 'a:***@h'],
    [`memcached://app:${SECRET}`, 'memcached://app:***'],
    [`memcached://app:${SECRET}@x@h:0`, 'memcached://app:***@h:0'],
    [`memcached://app:${SECRET}/@h`, 'memcached://app:***@h'],
    [`memcached://app:?#${SECRET}@h`, 'memcached://app:***@h'],
    [`memcached://${SECRET}@h`, 'memcached://***@h'],
    [`memcached://h?password=${SECRET}`, 'memcached://h?***'],
    [`memcached://h:1#${SECRET}`, 'memcached://h:1#***'],
    [`memcached://app:%zz${SECRET}@h`, 'memcached://app:***@h'],
    ['memcached://[::1]:99999', 'memcached://[::1]:99999'],
  ])('redacts %s', (url, shown) => {
    expect(redactUrl(url)).toBe(shown)
    const error = caught(() => memcachedNode(url))
    expect(told(error)).not.toContain(SECRET)
  })
})

describe('memcachedNode', () => {
  it('takes its id, weight and zone, and its id from the address when none is given', () => {
    const spec = memcachedNode('memcached://h:1', { id: 'a', weight: 2, zone: 'eu' })
    expect(spec).toMatchObject({
      id: 'a',
      weight: 2,
      zone: 'eu',
      replicas: [],
      primary: { address: 'h:1', zone: 'eu' },
    })
    expect(memcachedNode('memcached://h').id).toBe('h:11211')
  })

  it.each<[string, unknown]>([
    ['timeout', { timeout: 1 }],
    ['replicas', { replicas: [] }],
    ['an array', []],
    ['null', null],
    ['id', { id: '' }],
    ['weight', { weight: 0 }],
    ['zone', { zone: 7 }],
    ['user name alone', { username: 'app' }],
    ['password alone', { password: SECRET }],
    ['empty password', { username: 'app', password: '' }],
    ['password with NUL', { username: 'app', password: `${SECRET}\0` }],
    ['password that is not a string', { username: 'app', password: [SECRET] }],
    ['connectTimeout 0', { connectTimeout: 0 }],
    ['connectTimeout above 2 s', { connectTimeout: '3s' }],
    ['maxValueBytes', { maxValueBytes: 1.5 }],
  ])('refuses the option: %s', (_, options) => {
    const error = caught(() => memcachedNode('memcached://h', options as MemcachedNodeOptions))
    expect(isCacheError(error, 'ERR_OPTION')).toBe(true)
    expect(told(error)).not.toContain(SECRET)
  })

  it('refuses credentials that are given twice', () => {
    const error = caught(() => memcachedNode(`memcached://a:${SECRET}@h`, { username: 'a', password: SECRET }))
    expect(isCacheError(error, 'ERR_OPTION')).toBe(true)
    expect(told(error)).not.toContain(SECRET)
  })

  it('tells the password nowhere', () => {
    for (const spec of [
      memcachedNode(`memcached://app:${SECRET}@h`),
      memcachedNode('memcached://h', { username: 'app', password: SECRET }),
    ]) {
      const adapter = spec.primary.open(bareContext)
      expect(told(spec) + told(adapter)).not.toContain(SECRET)
      expect(String(spec.primary.fingerprint)).not.toContain('app')
    }
  })

  it('has a fingerprint that differs exactly when the connection would', () => {
    const print = (url: string, options?: MemcachedNodeOptions): unknown =>
      memcachedNode(url, options).primary.fingerprint
    const base = print('memcached://a:b@h')
    expect(print('memcached://h:11211', { id: 'x', weight: 3, username: 'a', password: 'b' })).toBe(base)
    for (const other of ['memcached://a:c@h', 'memcached://h', 'memcached://a:b@i', 'memcached://a:b@h:1']) {
      expect(print(other)).not.toBe(base)
    }
    expect(print('memcached://a:b@h', { maxValueBytes: 9 })).not.toBe(base)
  })
})

function caught(run: () => unknown): unknown {
  try {
    run()
  } catch (error) {
    return error
  }
  return undefined
}

function told(thing: unknown): string {
  const shown = inspect(thing, { depth: 10, showHidden: true, maxStringLength: null })
  return `${shown} ${JSON.stringify(thing)} ${thing instanceof Error ? `${thing.message} ${thing.stack}` : ''}`
}
