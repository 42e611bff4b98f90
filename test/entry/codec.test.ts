import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { bytesCodec, encodeValue, jsonCodec, v8Codec, type Codec } from '../../src/entry/codec.ts'

const through = (codec: Codec, value: unknown): unknown => codec.decode(encodeValue(codec, value, 'key'))
const circular: Record<string, unknown> = { name: 'top' }
circular['self'] = circular

describe('jsonCodec', () => {
  it.each([
    [null],
    [0],
    [''],
    [false],
    ['ключ 🔑 \0 \u2028'],
    [[1, [2, {}]]],
    [{ a: { b: [null] } }],
    [1e308],
    ['\ud800'],
  ])('keeps %j', (value) => {
    expect(through(jsonCodec, value)).toEqual(value)
  })

  it('loses what its description says', () => {
    const date = new Date(0)
    expect(through(jsonCodec, { date })).toEqual({ date: '1970-01-01T00:00:00.000Z' })
    expect(through(jsonCodec, { map: new Map([['a', 1]]), set: new Set([1]) })).toEqual({ map: {}, set: {} })
    expect(through(jsonCodec, [Number.NaN, Infinity, undefined])).toEqual([null, null, null])
    expect(through(jsonCodec, { a: undefined })).toEqual({})
    expect(() => encodeValue(jsonCodec, { big: 1n }, 'key')).toThrow(expect.objectContaining({ code: 'ERR_VALUE' }))
  })

  it.each([
    ['undefined', undefined],
    ['a circular object', circular],
    ['a BigInt', 5n],
    ['a function', (): void => {}],
    ['a symbol', Symbol('s')],
    ['what toJSON makes undefined', { toJSON: (): undefined => undefined }],
    [
      'what throws in toJSON',
      {
        toJSON(): never {
          throw new Error('no')
        },
      },
    ],
  ])('refuses %s', (_, value) => {
    expect(() => encodeValue(jsonCodec, value, 'user:1')).toThrow(
      expect.objectContaining({ name: 'ValueError', code: 'ERR_VALUE', message: expect.stringContaining('"user:1"') }),
    )
  })

  it('pollutes no prototype', () => {
    const decoded = jsonCodec.decode(Buffer.from('{"__proto__":{"x":1},"constructor":{"prototype":{"y":1}}}')) as object
    expect(({} as { x?: unknown }).x).toBeUndefined()
    expect(({} as { y?: unknown }).y).toBeUndefined()
    expect(Object.getPrototypeOf(decoded)).toBe(Object.prototype)
    expect(Object.keys(decoded)).toEqual(['__proto__', 'constructor'])
  })

  it('reads from a view into a larger buffer', () => {
    const whole = new Uint8Array(Buffer.from('xx{"a":1}yy'))
    expect(jsonCodec.decode(whole.subarray(2, 9))).toEqual({ a: 1 })
  })

  it.each(['', '{', 'undefined', '{"a":1}x', '\0', 'NaN'])('throws for what it did not write: %j', (text) => {
    expect(() => jsonCodec.decode(Buffer.from(text))).toThrow(SyntaxError)
  })
})

describe('v8Codec', () => {
  it.each([
    ['a Date', new Date(5)],
    ['a Map', new Map<unknown, unknown>([['a', { b: new Set([1n]) }]])],
    ['a BigInt', 2n ** 70n],
    ['a RegExp', /a+/giu],
    ['typed arrays', { f: new Float64Array([1, 2]), u: new Uint8Array([3]) }],
    ['NaN, Infinity and -0', [Number.NaN, Infinity, -0]],
    ['undefined inside', { a: undefined, b: [undefined] }],
    ['null', null],
  ])('keeps %s', (_, value) => {
    expect(through(v8Codec, value)).toEqual(value)
  })

  it('keeps a circle', () => {
    const back = through(v8Codec, circular) as Record<string, unknown>
    expect(back['self']).toBe(back)
  })

  it.each([
    ['undefined', undefined],
    ['a function', (): void => {}],
    ['a symbol', Symbol('s')],
    ['a function inside', { a: (): void => {} }],
  ])('refuses %s', (_, value) => {
    expect(() => encodeValue(v8Codec, value, 'key')).toThrow(expect.objectContaining({ code: 'ERR_VALUE' }))
  })

  it.each([['', 'ff', 'ff0f', '7b7d', '00'.repeat(50)]])('throws for what it did not write', (...hexes) => {
    for (const hex of hexes) expect(() => v8Codec.decode(Buffer.from(hex, 'hex'))).toThrow(Error)
  })
})

describe('bytesCodec', () => {
  it('keeps bytes, and gives a Buffer of its own', () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, index) => index)
    const back = through(bytesCodec as Codec, bytes) as Buffer
    expect(Buffer.isBuffer(back)).toBe(true)
    expect([...back]).toEqual([...bytes])
    const source = Buffer.from('abc')
    const copy = bytesCodec.decode(source) as Buffer
    source.fill(0)
    expect(copy.toString()).toBe('abc')
    expect(through(bytesCodec as Codec, new Uint8Array(0))).toHaveLength(0)
  })

  it.each([
    ['text'],
    [5],
    [null],
    [[1, 2]],
    [{}],
    [new ArrayBuffer(2)],
    [new Uint16Array(2)],
    [new DataView(new ArrayBuffer(1))],
  ])('refuses %s', (value) => {
    expect(() => encodeValue(bytesCodec as Codec, value, 'key')).toThrow(expect.objectContaining({ code: 'ERR_VALUE' }))
  })
})

describe('encodeValue', () => {
  it('refuses undefined before the codec sees it, and says what to do', () => {
    let called = false
    const codec: Codec = { encode: () => ((called = true), new Uint8Array(0)), decode: () => undefined }
    expect(() => encodeValue(codec, undefined, 'key')).toThrow(/Store null, or delete the key/)
    expect(called).toBe(false)
  })

  it.each([['text'], [null], [undefined], [[1]], [new ArrayBuffer(1)], [Promise.resolve(new Uint8Array(1))]])(
    'refuses a codec that encodes into %s',
    (encoded) => {
      const codec: Codec = { encode: () => encoded as never, decode: (bytes) => bytes }
      expect(() => encodeValue(codec, 1, 'key')).toThrow(
        expect.objectContaining({
          code: 'ERR_VALUE',
          message: expect.stringContaining('must encode into a Uint8Array'),
        }),
      )
    },
  )

  it('carries what the codec threw as its cause, also what is not an Error', () => {
    const throwing = (thrown: unknown): Codec => ({
      encode: () => {
        throw thrown
      },
      decode: (bytes) => bytes,
    })
    const cause = new RangeError('too deep\nsecond line')
    expect(() => encodeValue(throwing(cause), 1, 'key')).toThrow(expect.objectContaining({ cause }))
    expect(() => encodeValue(throwing(cause), 1, 'key')).toThrow(/cannot be encoded: too deep$/)
    expect(() => encodeValue(throwing('text'), 1, 'key')).toThrow(/cannot be encoded: the codec threw$/)
  })

  it('shows no value in its errors', () => {
    const value = 'hunter2 is the value'
    const stringly: Codec = { encode: (given) => given as never, decode: (bytes) => bytes }
    for (const codec of [bytesCodec as Codec, stringly]) {
      let caught: unknown
      try {
        encodeValue(codec, value, 'key')
      } catch (error) {
        caught = error
      }
      expect(caught).toBeInstanceOf(Error)
      expect(inspect(caught, { depth: 8 })).not.toContain('hunter2')
    }
  })
})
