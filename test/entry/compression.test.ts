import { randomBytes } from 'node:crypto'
import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { isCacheError, type OptionError } from '../../src/base/errors.ts'
import { checkCompression, checkMaxInflated, compress, hasMethod, inflate } from '../../src/entry/compression.ts'
import { DEFAULT_FORM, type Form } from '../../src/entry/form.ts'
import { checkForm } from '../../src/entry/form-options.ts'
import { METHODS, ZSTD_OF_A, ZSTD_WIDE } from '../support/compression.ts'

const MIB = 2 ** 20
const text = Buffer.from(JSON.stringify(Array.from({ length: 200 }, (_, id) => ({ id, name: `user ${id}` }))))

function refusal(run: () => unknown): OptionError {
  try {
    run()
  } catch (error) {
    if (isCacheError(error, 'ERR_OPTION')) return error
    throw error
  }
  throw new Error('it was taken')
}

describe('the options of compression', () => {
  it('are off, or have defaults', () => {
    expect(DEFAULT_FORM).toMatchObject({ compression: undefined, maxInflatedBytes: 64 * MIB })
    expect(checkCompression(false)).toBeUndefined()
    expect(checkCompression({})).toEqual({ above: 1_024, method: 'deflate', level: 1 })
    expect(checkCompression({ above: 0, level: 9 })).toEqual({ above: 0, method: 'deflate', level: 9 })
  })

  it("take 'zstd' where Node has it, and say so clearly where it has not", () => {
    const given = { method: 'zstd', level: 22 }
    if (hasMethod('zstd')) {
      expect(checkCompression({ method: 'zstd' })).toEqual({ above: 1_024, method: 'zstd', level: 3 })
      expect(checkCompression(given)).toMatchObject({ level: 22 })
      expect(refusal(() => checkCompression({ ...given, level: 23 })).message).toContain("of 'zstd' must be at most 22")
    } else {
      const { message } = refusal(() => checkCompression(given))
      expect(message).toBe(`compression.method 'zstd' needs Node 22.15; this is ${process.versions.node}`)
    }
  })

  it.each([
    [true, 'compression must be false or an object of options; given: true'],
    [null, 'given: null'],
    ['zstd', 'given: "zstd"'],
    [[], 'compression must be an object'],
    [{ treshold: 1 }, 'compression has no option "treshold"; known: above, method, level'],
    [{ above: -1 }, 'compression.above'],
    [{ above: 1.5 }, 'compression.above'],
    [{ above: '1kb' }, 'compression.above'],
    [{ method: 'brotli' }, 'compression.method must be one of deflate, zstd; given: "brotli"'],
    [{ level: 0 }, 'compression.level must be a whole number of at least 1'],
    [{ level: 10 }, "compression.level of 'deflate' must be at most 9; given: 10"],
  ])('refuse %j', (given, message) => {
    expect(refusal(() => checkCompression(given)).message).toContain(message)
  })

  it.each([0, -1, 1.5, NaN, Infinity, 2 ** 30 + 1, '64mb', null])('refuse a bound of %s', (given) => {
    expect(refusal(() => checkMaxInflated(given)).message).toContain('maxInflatedBytes must be')
  })

  it('take a bound from 1 byte to 1 GiB', () => {
    expect([1, 2 ** 30].map(checkMaxInflated)).toEqual([1, 2 ** 30])
  })

  it("of a space come from the cache's, as a whole", () => {
    const base = checkForm({ compression: { above: 10, level: 6 }, maxInflatedBytes: MIB }, DEFAULT_FORM)
    expect(checkForm({}, base)).toMatchObject({ compression: { above: 10, level: 6 }, maxInflatedBytes: MIB })
    expect(checkForm({ compression: { above: 20 } }, base)).toMatchObject({ compression: { above: 20, level: 1 } })
    expect(checkForm({ compression: false }, base)).toMatchObject({ compression: undefined, maxInflatedBytes: MIB })
  })

  it("and format 'raw' exclude each other, but a raw space of a cache that compresses is simply not compressed", () => {
    const raw = { format: 'raw' }
    const compressing: Form = checkForm({ compression: {} }, DEFAULT_FORM)
    expect(checkForm(raw, compressing)).toMatchObject({ format: 'raw', compression: undefined })
    expect(checkForm({ ...raw, compression: false }, compressing).compression).toBeUndefined()
    const message = "compression needs format 'envelope'; given: 'raw'"
    expect(refusal(() => checkForm({ ...raw, compression: {} }, DEFAULT_FORM)).message).toBe(message)
    expect(refusal(() => checkForm({ compression: {} }, checkForm(raw, compressing))).message).toBe(message)
    expect(checkForm({ format: 'envelope', compression: {} }, checkForm(raw, DEFAULT_FORM)).compression).toBeDefined()
  })
})

describe.each(METHODS)('bytes through %s', (method) => {
  const how = checkCompression({ method }) as NonNullable<ReturnType<typeof checkCompression>>
  const packed = compress(text, how) as Uint8Array

  it('come back as they were, whatever the bound is that they keep to', () => {
    expect(packed.length).toBeLessThan(text.length / 2)
    for (const most of [text.length, text.length + 1, 64 * MIB, 2 ** 30]) expect(inflate(packed, most)).toEqual(text)
  })

  it('of all sizes come back as they were', () => {
    for (const size of [1, 63, 64, 65, 1_023, 16_384, 100_000, 3 * MIB]) {
      const bytes = Buffer.alloc(size, 'ab')
      const fewer = compress(bytes, how)
      if (fewer) expect(bytes.equals(inflate(fewer, size) as Uint8Array)).toBe(true)
      else expect(size).toBeLessThan(64)
    }
  })

  it('that would be one more than the bound are none', () => {
    for (const most of [1, 63, 64, text.length - 1]) expect(inflate(packed, most)).toBe('corrupt')
  })

  it('are none when the stream is cut short, anywhere, or goes on', () => {
    for (let length = 0; length < packed.length; length++)
      expect(inflate(packed.subarray(0, length), MIB)).toBe('corrupt')
    for (const more of [Buffer.from([0]), Buffer.from('garbage'), packed, randomBytes(100)])
      expect(inflate(Buffer.concat([packed, more]), MIB)).toBe('corrupt')
  })

  it('are left as they are when an eighth is not saved', () => {
    expect(compress(randomBytes(10_000), how)).toBeUndefined()
    const [poor, good] = [2_000, 500].map((noise) => Buffer.concat([randomBytes(noise), Buffer.alloc(3_000 - noise)]))
    expect(compress(good as Buffer, how)).toBeDefined()
    expect(compress((poor as Buffer).subarray(0, 2_200), how)).toBeUndefined()
    expect(compress(new Uint8Array(0), how)).toBeUndefined()
  })
})

describe('what is no payload of ours', () => {
  it('is corrupt: empty, garbage, other formats', () => {
    const others = [new Uint8Array(0), Buffer.from('{}'), Buffer.from([0x78]), gzipSync(text), deflateRawSync(text)]
    for (const bytes of [...others, Buffer.from('x'.repeat(100))]) expect(inflate(bytes, MIB)).toBe('corrupt')
    for (let round = 0; round < 200; round++) expect(inflate(randomBytes(round), MIB)).toBe('corrupt')
  })

  it('is corrupt when it needs a dictionary', () => {
    expect(inflate(deflateSync(text, { dictionary: Buffer.from('"name":"user ') }), MIB)).toBe('corrupt')
  })

  it("in zstd is read where Node has it, and is 'unsupported' where it has not", () => {
    const there = hasMethod('zstd')
    expect(inflate(ZSTD_OF_A, MIB)).toEqual(there ? Buffer.alloc(2_000, 'a') : 'unsupported')
    // It asks for a window of 128 MiB, to give eight bytes.
    expect(inflate(ZSTD_WIDE, 2 ** 27)).toEqual(there ? Buffer.from('12345678') : 'unsupported')
    expect(inflate(ZSTD_WIDE, 64 * MIB)).toBe(there ? 'corrupt' : 'unsupported')
  })
})
