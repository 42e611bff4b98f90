import { describe, expect, it, vi } from 'vitest'
import * as here from '../../src/base/errors.ts'

const { CacheError, KeyError, LoadError, NodeError, OptionError, ValueError, isCacheError, quote } = here

describe('errors', () => {
  it.each([
    [new CacheError('ERR_CLOSED', 'closed'), 'CacheError', 'ERR_CLOSED'],
    [new OptionError('ERR_URL', 'bad'), 'OptionError', 'ERR_URL'],
    [new KeyError('bad'), 'KeyError', 'ERR_KEY'],
    [new ValueError('ERR_VALUE', 'bad'), 'ValueError', 'ERR_VALUE'],
    [new NodeError('ERR_NODE_DOWN', 'down'), 'NodeError', 'ERR_NODE_DOWN'],
    [new LoadError('ERR_LOAD', 'failed'), 'LoadError', 'ERR_LOAD'],
  ])('%s has its name, its code and a stack that shows them', (error, name, code) => {
    expect(error).toBeInstanceOf(Error)
    expect(error).toBeInstanceOf(CacheError)
    expect([error.name, error.code]).toEqual([name, code])
    expect(error.stack).toContain(name)
    expect(String(error)).toBe(`${name}: ${error.message}`)
    expect(isCacheError(error)).toBe(true)
    expect(isCacheError(error, error.code)).toBe(true)
    expect(isCacheError(error, 'ERR_NODE_BUSY')).toBe(false)
  })

  it('carries a cause, and shows neither name nor brand among its own keys', () => {
    const cause = new Error('why')
    const error = new LoadError('ERR_LOAD', 'the loader failed', { cause })
    expect(error.cause).toBe(cause)
    expect(Object.keys(error)).toEqual(['code'])
    expect('cause' in new LoadError('ERR_LOAD', 'no cause')).toBe(false)
  })

  it('knows the errors of another copy of the package, where instanceof does not', async () => {
    vi.resetModules()
    const other = await import('../../src/base/errors.ts')
    const error = new other.KeyError('a key must not be empty')
    expect(other.KeyError).not.toBe(KeyError)
    expect(error instanceof CacheError).toBe(false)
    expect(isCacheError(error, 'ERR_KEY')).toBe(true)
    expect(other.isCacheError(new KeyError('bad'), 'ERR_KEY')).toBe(true)
  })

  it.each([
    [new Error('ERR_KEY')],
    [{ code: 'ERR_KEY' }],
    ['ERR_KEY'],
    [null],
    [undefined],
    [() => {}],
    [Object.create(null)],
  ])('does not take %s for one', (given) => {
    expect(isCacheError(given)).toBe(false)
    expect(isCacheError(given, 'ERR_KEY')).toBe(false)
  })
})

describe('quote', () => {
  it.each([
    ['a', '"a"'],
    ['a"b', String.raw`"a\"b"`],
    ['line\r\nbreak\0', String.raw`"line\r\nbreak\u0000"`],
    ['\ud800', String.raw`"\ud800"`],
    [5, '5'],
    [Number.NaN, 'NaN'],
    [5n, '5'],
    [true, 'true'],
    [undefined, 'undefined'],
    [null, 'null'],
    [Symbol('s'), 'Symbol(s)'],
    [() => 1, 'a function'],
    [class {}, 'a function'],
    [[1, 2], 'an array of 2'],
    [{}, 'an object with the keys (none)'],
    [{ a: 'secret', b: 2 }, 'an object with the keys a, b'],
    [Object.create(null), 'an object with the keys (none)'],
    [new Map([['a', 1]]), 'an object with the keys (none)'],
  ])('shows %s', (given, shown) => {
    expect(quote(given)).toBe(shown)
  })

  it('cuts what is long, and stays on one line', () => {
    expect(quote('x'.repeat(78))).toHaveLength(80)
    expect(quote('x'.repeat(79))).toHaveLength(78)
    expect(quote('x'.repeat(79)).endsWith('x…')).toBe(true)
    expect(quote({ ['k'.repeat(10_000)]: 1 })).toHaveLength(78)
    expect(quote({ 'a\nb': 1 })).not.toContain('\n')
    expect(quote(Symbol('a\nb'))).not.toContain('\n')
    expect(quote('\u0085\u2028\u007f')).toBe(String.raw`"\u0085\u2028\u007f"`)
  })
})
