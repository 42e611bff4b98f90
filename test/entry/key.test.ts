import { describe, expect, it } from 'vitest'
import { hashTag } from '../../src/base/hash-tag.ts'
import { checkKey, checkNamespace, MAX_KEY_BYTES, storedKey } from '../../src/entry/key.ts'

describe('storedKey', () => {
  it.each([
    ['plain', 'user:1', '', 'user:1'],
    ['behind a namespace', 'user:1', 'app', 'app:user:1'],
    ['with a tag', '{user:1}:cart', 'app', 'app:{user:1}:cart'],
    ['not ASCII', 'ключ🔑', 'app', 'app:ключ🔑'],
    ['250 bytes', 'x'.repeat(250), '', 'x'.repeat(250)],
    ['250 bytes, not ASCII', 'é'.repeat(125), '', 'é'.repeat(125)],
    ['250 bytes with the namespace', 'x'.repeat(246), 'app', `app:${'x'.repeat(246)}`],
    ['an object member', '__proto__', '', '__proto__'],
    ['the last printable ones', '~!', '', '~!'],
  ])('as it is: %s', (_, key, namespace, stored) => {
    expect(storedKey(key, namespace)).toBe(stored)
  })

  // Golden: which name a key is stored under is part of the format; a change loses every such key.
  it.each([
    ['a blank', 'a b', '', 'yGh6CKpdbtIEQyj6aml6uOltw0KR6MIDSujDjm_MbWU'],
    ['a blank, namespace', 'a b', 'app', 'app:yGh6CKpdbtIEQyj6aml6uOltw0KR6MIDSujDjm_MbWU'],
    ['a blank, tag', '{user:1}: a', 'app', 'app:{user:1}AIfkjNI2VzTbJ0XH0j06r3jndU32CHZ4szW92t_B_L0'],
    ['251 bytes', 'x'.repeat(251), '', 'kNc4wxxe4SQcvNL_PUqhJXult9cXxUXDl9N9wGDs9_8'],
    ['251 bytes, namespace', 'x'.repeat(251), 'app', 'app:kNc4wxxe4SQcvNL_PUqhJXult9cXxUXDl9N9wGDs9_8'],
    ['not ASCII, blank', 'ключ яяяяяяяяяя', '', '2OHQXeLRxSsY4SkJOFRrQfS_IjXdjO63Hyz6v__oseE'],
    ['CR LF', '\r\nset x', 'app', 'app:Uy_RZf_yi8a855KSN-OqurvN5dOZPEy4BqFY3L_jeU8'],
    ['NUL', 'nul\0', '', 'zQeY-eKUH4S58WKiZ9C5HemzMU28KM2BhdP4Lgnsp20'],
    ['a tag that is too long', `{${'t'.repeat(300)}}x`, 'app', 'app:QcJ9sjgV4NDF2g6-cVC5twM8OqeNQg6XKcQJN47RNtA'],
    ['10 kB', 'x'.repeat(10_000), 'app', 'app:5O6X7CUnSdIJZEfoSWKNDXc09RcAQW7vuzNXS_Cz7nU'],
  ])('shortened: %s', (_, key, namespace, stored) => {
    expect(storedKey(key, namespace)).toBe(stored)
  })

  it.each([
    ['251 bytes, not ASCII', `${'é'.repeat(125)}x`],
    ['a tab', 'a\tb'],
    ['a vertical tab', 'a\vb'],
    ['a no-break space', 'a\u00a0b'],
    ['an ideographic space', 'a\u3000b'],
    ['a line separator', 'a\u2028b'],
    ['a byte order mark', '\ufeffa'],
    ['DEL', 'a\u007f'],
    ['a C1 control', 'a\u0085'],
    ['only blanks', '   '],
    ['a leading blank', ' a'],
    ['a trailing newline', 'a\n'],
  ])('shortened, not sent as it is: %s', (_, key) => {
    expect(storedKey(key, '')).toMatch(/^[\w-]{43}$/)
    expect(storedKey(key, 'app')).toBe(`app:${storedKey(key, '')}`)
  })

  it('has a limit of 250 bytes that holds with every namespace and tag', () => {
    const namespace = 'n'.repeat(100)
    for (const length of [1, 100, 104, 105, 148, 149, 150, 200, 250, 251, 10_000]) {
      for (const key of [
        'x'.repeat(length),
        `{${'t'.repeat(length)}} x`,
        'é'.repeat(length),
        ` ${'🔑'.repeat(length)}`,
      ]) {
        const stored = storedKey(key, namespace)
        expect(Buffer.byteLength(stored)).toBeLessThanOrEqual(MAX_KEY_BYTES)
        expect(stored).not.toMatch(/[\s\p{Cc}]/u)
        expect(stored.startsWith(`${namespace}:`)).toBe(true)
      }
    }
  })

  it('keeps the tag up to the last byte that fits: 205 without a namespace', () => {
    const kept = 't'.repeat(MAX_KEY_BYTES - 43 - 2)
    expect(storedKey(`{${kept}} x`, '')).toHaveLength(MAX_KEY_BYTES)
    expect(hashTag(storedKey(`{${kept}} x`, ''))).toBe(kept)
    expect(storedKey(`{${kept}t} x`, '')).toHaveLength(43)
    const wide = 'é'.repeat(102)
    expect(hashTag(storedKey(`{${wide}} x`, ''))).toBe(wide)
    expect(storedKey(`{${wide}éé} x`, '')).toHaveLength(43)
  })

  it.each(['{a b}x', '{a\r\n}x', '{a\0}x', '{\u00a0}x'])('leaves out a tag that is not legal itself: %j', (key) => {
    expect(storedKey(key, '')).toMatch(/^[\w-]{43}$/)
  })

  it.each(['{}a b', 'a{}{b} c', '{a b', 'a} b'])('takes no tag where there is none: %j', (key) => {
    expect(storedKey(key, '')).toMatch(/^[\w-]{43}$/)
  })

  it('a tag with a brace in it stays the same tag', () => {
    expect(hashTag(storedKey('foo{{bar}} zap', ''))).toBe('{bar')
  })

  it('tells keys apart that differ in anything, also in what cannot be seen', () => {
    const keys = ['a b', 'a  b', 'a\tb', 'a\u00a0b', 'A b', 'a b ', ' a b', 'a b\0', '{t}a b', '{t}a c', '{u}a b']
    expect(new Set(keys.map((key) => storedKey(key, ''))).size).toBe(keys.length)
  })
})

describe('checkKey', () => {
  it.each(['a', ' ', '\r\n', '\0', '__proto__', '🔑', 'x'.repeat(10_000)])('takes %j', (key) => {
    expect(checkKey(key)).toBe(key)
  })

  it.each([
    ['', 'must not be empty'],
    ['\ud800', 'has a lone surrogate'],
    ['a\udc00b', 'has a lone surrogate'],
    ['\udc00\ud800', 'has a lone surrogate'],
    [undefined, 'must be a string'],
    [null, 'must be a string'],
    [5, 'must be a string'],
    [Number.NaN, 'must be a string'],
    [['a'], 'must be a string'],
    [{}, 'must be a string'],
    [Symbol('a'), 'must be a string'],
    [Object('a'), 'must be a string'],
    [Buffer.from('a'), 'must be a string'],
  ])('refuses %s', (key, why) => {
    expect(() => checkKey(key)).toThrow(
      expect.objectContaining({ name: 'KeyError', code: 'ERR_KEY', message: expect.stringContaining(`a key ${why}`) }),
    )
  })
})

describe('checkNamespace', () => {
  it.each([
    [undefined, ''],
    ['app', 'app'],
    ['app:v2', 'app:v2'],
    ['a/b_c-d.e', 'a/b_c-d.e'],
    ['n'.repeat(100), 'n'.repeat(100)],
  ])('takes %j', (given, namespace) => {
    expect(checkNamespace(given)).toBe(namespace)
  })

  it.each([[''], ['a b'], ['a\n'], ['é'], ['{a}'], ['a{'], ['a}'], ['\0'], ['n'.repeat(101)], [5], [null], [{}]])(
    'refuses %j',
    (given) => {
      expect(() => checkNamespace(given)).toThrow(
        expect.objectContaining({ code: 'ERR_OPTION', message: expect.stringContaining('namespace must be') }),
      )
    },
  )
})
