import { MAX_CLOCK_SKEW } from '../../src/base/stamps.ts'
import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { loadHash } from '../../src/base/hash.ts'
import { sliceOf } from '../../src/base/slice.ts'
import { bytesCodec, encodeValue, jsonCodec, v8Codec, type Codec } from '../../src/entry/codec.ts'
import { writeEnvelope } from '../../src/entry/envelope.ts'
import { DEFAULT_FORM, pack, unpack, type Form, type Unpacked } from '../../src/entry/form.ts'
import { Entry } from '../../src/entry/entry.ts'
import { checkForm } from '../../src/entry/form-options.ts'
import type { StandardSchema } from '../../src/entry/schema.ts'

const hash = await loadHash()
const NOW = Date.UTC(2026, 0, 1)
const KEY = 'app:user:1'
const WRITER = Uint8Array.of(1, 2, 3)

const form = (more: Partial<Form>): Form => ({ ...DEFAULT_FORM, ...more })
const stored = (given: Form, value: unknown, now = NOW, ttl = 60_000): Uint8Array =>
  pack(
    given,
    encodeValue(given.codec, value, 'user:1'),
    KEY,
    { kind: 'value', ttl, window: 0, loadTime: 12, now, writer: WRITER },
    hash,
  )
const read = async (given: Form, bytes: Uint8Array, key = KEY): Promise<Unpacked> =>
  unpack(given, sliceOf(bytes), key, NOW, hash)

const schema = (validate: (value: unknown) => unknown): StandardSchema => ({
  '~standard': { version: 1, vendor: 'test', validate: validate as StandardSchema['~standard']['validate'] },
})

describe('pack and unpack', () => {
  it('give the value back, with its times and its size on the node', async () => {
    const bytes = stored(DEFAULT_FORM, { id: 1 })
    expect(await read(DEFAULT_FORM, bytes)).toEqual({
      kind: 'value',
      value: { id: 1 },
      size: 56 + 8,
      times: { writtenAt: NOW, freshUntil: NOW + 60_000, entryUntil: NOW + 60_000, loadTime: 12, skewed: false },
    })
  })

  it('give a negative entry back as one without a value', async () => {
    const bytes = pack(
      DEFAULT_FORM,
      new Uint8Array(0),
      KEY,
      { kind: 'negative', ttl: 5, window: 0, loadTime: 0, now: NOW, writer: WRITER },
      hash,
    )
    expect(await read(DEFAULT_FORM, bytes)).toMatchObject({ kind: 'negative', value: undefined })
  })

  it('tell apart: another key, damage, what the codec cannot read', async () => {
    expect(await read(DEFAULT_FORM, stored(DEFAULT_FORM, 1), 'app:user:2')).toEqual({ status: 'wrong-key' })
    expect(await read(DEFAULT_FORM, stored(DEFAULT_FORM, 1).subarray(1))).toEqual({ status: 'corrupt' })
    expect(await read(DEFAULT_FORM, Buffer.from('{"id":1}'))).toEqual({ status: 'corrupt' })
    expect(await read(form({ codec: v8Codec }), stored(DEFAULT_FORM, { id: 1 }))).toEqual({ status: 'corrupt' })
  })

  it('take a codec that decodes into undefined for one that cannot read it', async () => {
    const codec: Codec = { encode: () => new Uint8Array(1), decode: () => undefined }
    expect(await read(form({ codec }), stored(form({ codec }), 1))).toEqual({ status: 'corrupt' })
  })

  it('never take the placeholder of a lease, nor a payload that only claims to be compressed, for a value', async () => {
    const times = { writtenAt: NOW, freshUntil: NOW, entryUntil: NOW, window: 0, loadTime: 0, leaseUntil: NOW + 5 }
    const version = new Uint8Array(12)
    const lease = { ...times, kind: 'lease', compressed: false, version } as const
    expect(await read(DEFAULT_FORM, writeEnvelope(lease, Buffer.from('1'), KEY, hash))).toEqual({ status: 'lease' })
    const packed = { ...times, kind: 'value', compressed: true, version } as const
    expect(await read(DEFAULT_FORM, writeEnvelope(packed, Buffer.from('1'), KEY, hash))).toEqual({ status: 'corrupt' })
  })

  it('take an entry from the future as written now, with as long to live as it was given', async () => {
    const within = await read(DEFAULT_FORM, stored(DEFAULT_FORM, 1, NOW + MAX_CLOCK_SKEW))
    expect(within).toMatchObject({ times: { skewed: false, writtenAt: NOW + MAX_CLOCK_SKEW } })
    const beyond = await read(DEFAULT_FORM, stored(DEFAULT_FORM, 1, NOW + MAX_CLOCK_SKEW + 1))
    expect(beyond).toMatchObject({
      times: { skewed: true, writtenAt: NOW, freshUntil: NOW + 60_000, entryUntil: NOW + 60_000 },
    })
    const absurd = await read(DEFAULT_FORM, stored(DEFAULT_FORM, 1, NOW + 50 * 365 * 86_400_000))
    expect(absurd).toMatchObject({ times: { skewed: true, entryUntil: NOW + 60_000 } })
  })

  it('store raw what the codec gives, and nothing else', async () => {
    const raw = form({ format: 'raw' })
    expect(Buffer.from(stored(raw, { id: 1 })).toString()).toBe('{"id":1}')
    expect(await read(raw, Buffer.from('{"id":1}'), 'any key')).toEqual({
      kind: 'value',
      value: { id: 1 },
      size: 8,
      times: undefined,
    })
    expect(await read(raw, Buffer.from('{'))).toEqual({ status: 'corrupt' })
    expect(await read(raw, Buffer.from('{'))).not.toBeInstanceOf(Entry)
  })

  it('never throw, whatever the bytes are and whichever the codec', async () => {
    for (const codec of [jsonCodec, v8Codec, bytesCodec as Codec]) {
      for (let round = 0; round < 300; round++) {
        const junk = randomBytes(round)
        expect(await read(form({ codec }), junk)).toEqual({ status: 'corrupt' })
        const whole = stored(form({ codec: bytesCodec as Codec }), junk)
        const unpacked = await read(form({ codec }), whole)
        expect(unpacked instanceof Entry || unpacked.status === 'corrupt').toBe(true)
      }
    }
  })
})

describe('a schema', () => {
  const bytes = stored(DEFAULT_FORM, { id: 1 })

  it('has the last word on the value', async () => {
    const doubled = schema((value) => ({ value: { id: (value as { id: number }).id * 2 } }))
    expect(await read(form({ schema: doubled }), bytes)).toMatchObject({ value: { id: 2 } })
  })

  it.each([
    ['at once', (): unknown => ({ issues: [{ message: 'no name' }, { message: 'no age' }] })],
    ['later', (): unknown => Promise.resolve({ issues: [{ message: 'no name' }, { message: 'no age' }] })],
  ])('refuses %s, with all its reasons', async (_, validate) => {
    expect(await read(form({ schema: schema(validate) }), bytes)).toEqual({
      status: 'schema',
      problem: 'no name; no age',
    })
  })

  it('may answer later, also with a thenable that is no Promise', async () => {
    const answer = { value: 'checked' }
    const later = schema(() => Promise.resolve(answer))
    const foreign = {}
    Reflect.set(foreign, 'then', (resolve: (result: unknown) => void) => resolve(answer))
    const thenable = schema(() => foreign)
    for (const each of [later, thenable])
      expect(await read(form({ schema: each }), bytes)).toMatchObject({ value: 'checked' })
  })

  it.each([
    [
      'throws',
      (): never => {
        throw new Error('secret')
      },
    ],
    ['rejects', (): unknown => Promise.reject(new Error('secret'))],
    ['gives undefined', (): unknown => undefined],
    ['gives undefined later', (): unknown => Promise.resolve()],
    ['gives issues that are no list', (): unknown => Promise.resolve({ issues: 5 })],
  ])('that %s is a mismatch, not a throw', async (_, validate) => {
    expect(await read(form({ schema: schema(validate) }), bytes)).toEqual({
      status: 'schema',
      problem: 'the schema threw',
    })
  })

  it('that makes undefined of a value is a mismatch: undefined stands for a miss', async () => {
    expect(await read(form({ schema: schema(() => ({ value: undefined })) }), bytes)).toMatchObject({
      status: 'schema',
    })
  })

  it('is not asked about negative entries', async () => {
    const never = schema(() => ({ issues: [{ message: 'asked' }] }))
    const negative = pack(
      DEFAULT_FORM,
      new Uint8Array(0),
      KEY,
      { kind: 'negative', ttl: 5, window: 0, loadTime: 0, now: NOW, writer: WRITER },
      hash,
    )
    expect(await read(form({ schema: never }), negative)).toMatchObject({ kind: 'negative' })
  })
})

describe('checkForm', () => {
  it('takes what is given, and the rest from the base', () => {
    const base = form({ codec: v8Codec, format: 'raw' })
    expect(checkForm({}, base)).toEqual(base)
    expect(checkForm({ format: 'envelope' }, base)).toEqual({ ...base, format: 'envelope' })
    expect(checkForm({ codec: bytesCodec }, base).codec).toBe(bytesCodec)
    const checked = schema(() => ({ value: 1 }))
    expect(checkForm({ schema: checked }, base).schema).toBe(checked)
  })

  it.each([
    [{ codec: {} }, 'codec must have encode and decode'],
    [{ codec: 'json' }, 'codec must have encode and decode'],
    [{ codec: null }, 'codec must have encode and decode'],
    [{ codec: { encode: (): void => {} } }, 'codec must have encode and decode'],
    [{ schema: {} }, 'schema must be a Standard Schema'],
    [{ schema: null }, 'schema must be a Standard Schema'],
    [{ schema: { '~standard': {} } }, 'schema must be a Standard Schema'],
    [{ format: 'json' }, 'format must be one of envelope, raw'],
    [{ format: null }, 'format must be one of envelope, raw'],
  ])('refuses %j', (given, why) => {
    expect(() => checkForm(given, DEFAULT_FORM)).toThrow(
      expect.objectContaining({ code: 'ERR_OPTION', message: expect.stringContaining(why) }),
    )
  })
})
