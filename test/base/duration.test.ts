import { describe, expect, it } from 'vitest'
import { MAX_DURATION, parseDuration } from '../../src/base/duration.ts'

describe('parseDuration', () => {
  it.each([
    [1, 1],
    [250, 250],
    [0.2, 1],
    [1.5, 2],
    [Number.MIN_VALUE, 1],
    [MAX_DURATION, MAX_DURATION],
    ['250ms', 250],
    ['30s', 30_000],
    ['5m', 300_000],
    ['1h', 3_600_000],
    ['7d', 604_800_000],
    ['36525d', MAX_DURATION],
    ['1.5s', 1_500],
    ['0.5ms', 1],
    ['0.0001s', 1],
    ['1.0004s', 1_001],
    ['007s', 7_000],
  ])('reads %s as %d ms', (given, ms) => {
    expect(parseDuration(given, 'ttl')).toBe(ms)
  })

  it.each([
    [0, 'longer than zero'],
    [-0, 'longer than zero'],
    [-1, 'longer than zero'],
    [-Infinity, 'longer than zero'],
    ['0s', 'longer than zero'],
    ['0.0m', 'longer than zero'],
    [Infinity, 'finite'],
    [1e15, 'finite'],
    [MAX_DURATION + 1, 'finite'],
    ['36526d', 'finite'],
    [`${'9'.repeat(400)}s`, 'finite'],
    [Number.NaN, 'milliseconds as a number'],
    ['', 'milliseconds as a number'],
    ['Infinity', 'milliseconds as a number'],
    ['NaN', 'milliseconds as a number'],
    ['5', 'milliseconds as a number'],
    ['5 m', 'milliseconds as a number'],
    [' 5m', 'milliseconds as a number'],
    ['5m ', 'milliseconds as a number'],
    ['5m\n', 'milliseconds as a number'],
    ['-5m', 'milliseconds as a number'],
    ['+5m', 'milliseconds as a number'],
    ['1e3s', 'milliseconds as a number'],
    ['.5s', 'milliseconds as a number'],
    ['5.s', 'milliseconds as a number'],
    ['0x10s', 'milliseconds as a number'],
    ['5M', 'milliseconds as a number'],
    ['5w', 'milliseconds as a number'],
    ['1h30m', 'milliseconds as a number'],
    ['٥s', 'milliseconds as a number'],
    [undefined, 'milliseconds as a number'],
    [null, 'milliseconds as a number'],
    [true, 'milliseconds as a number'],
    [5n, 'milliseconds as a number'],
    [[5], 'milliseconds as a number'],
    [{}, 'milliseconds as a number'],
    [new Date(5), 'milliseconds as a number'],
  ])('refuses %s', (given, why) => {
    expect(() => parseDuration(given, 'ttl')).toThrow(
      expect.objectContaining({
        name: 'OptionError',
        code: 'ERR_OPTION',
        message: expect.stringMatching(`^ttl .*${why}`),
      }),
    )
  })

  it('quotes what was given, and keeps it short', () => {
    expect(() => parseDuration('5 m', 'staleIfError')).toThrow('staleIfError must be milliseconds')
    expect(() => parseDuration('5 m', 'staleIfError')).toThrow('given: "5 m"')
    expect(() => parseDuration('x'.repeat(10_000), 'ttl')).toThrow(/^.{0,220}$/)
  })
})
