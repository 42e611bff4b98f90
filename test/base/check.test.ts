import { describe, expect, it } from 'vitest'
import { checkCount, checkFlag, checkFunction, checkOneOf, checkOptions, checkText } from '../../src/base/check.ts'

const refusal = (message: string): unknown =>
  expect.objectContaining({ name: 'OptionError', code: 'ERR_OPTION', message: expect.stringContaining(message) })

describe('checkOptions', () => {
  it('gives back what it was given', () => {
    const given = { a: 1, b: undefined }
    expect(checkOptions(given, 'options', ['a', 'b', 'c'])).toBe(given)
    expect(checkOptions({}, 'options', [])).toEqual({})
  })

  it.each([[undefined], [null], ['text'], [5], [true], [[]], [() => {}]])('refuses %s', (given) => {
    expect(() => checkOptions(given, 'l1', ['max'])).toThrow(refusal('l1 must be an object; given: '))
  })

  it('names the unknown option and the known ones', () => {
    expect(() => checkOptions({ mx: 1 }, 'l1', ['max', 'ttl'])).toThrow(
      refusal('l1 has no option "mx"; known: max, ttl'),
    )
    for (const name of ['__proto__', 'constructor', 'toString'])
      expect(() => checkOptions(JSON.parse(`{"${name}": 1}`), 'l1', ['max'])).toThrow(refusal(`no option "${name}"`))
  })
})

describe('checkCount', () => {
  it.each([1, 5, Number.MAX_SAFE_INTEGER])('takes %s', (given) => expect(checkCount(given, 'max')).toBe(given))

  it.each([[0], [-1], [1.5], [Number.NaN], [Infinity], [2 ** 53], ['5'], [5n], [null], [undefined], [[5]], [{}]])(
    'refuses %s',
    (given) => expect(() => checkCount(given, 'max')).toThrow(refusal('max must be a whole number of at least 1')),
  )

  it('has a least of your choice', () => {
    expect(checkCount(0, 'retries', 0)).toBe(0)
    expect(() => checkCount(9, 'bytes', 10)).toThrow(refusal('bytes must be a whole number of at least 10; given: 9'))
  })
})

describe('checkText', () => {
  it.each(['a', 'ключ', 'a b', '🔑'])('takes %s', (given) => expect(checkText(given, 'id')).toBe(given))

  it.each([[''], ['a\nb'], ['\0'], ['\u007f'], ['\u0085'], ['\ud800'], [5], [null], [undefined], [['a']]])(
    'refuses %j',
    (given) => expect(() => checkText(given, 'id')).toThrow(refusal('id must be a non-empty string')),
  )
})

describe('checkFunction, checkFlag and checkOneOf', () => {
  it('take what they should', () => {
    const run = (): void => {}
    expect(checkFunction(run, 'f')).toBe(run)
    expect([checkFlag(true, 'b'), checkFlag(false, 'b')]).toEqual([true, false])
    expect(checkOneOf('b', 'letter', ['a', 'b'])).toBe('b')
  })

  it.each([[undefined], [null], [0], [1], ['true'], [{}]])('refuse %s', (given) => {
    expect(() => checkFunction(given, 'f')).toThrow(refusal('f must be a function; given: '))
    expect(() => checkFlag(given, 'b')).toThrow(refusal('b must be true or false; given: '))
    expect(() => checkOneOf(given, 'letter', ['a', 'b'])).toThrow(refusal('letter must be one of a, b; given: '))
  })
})
