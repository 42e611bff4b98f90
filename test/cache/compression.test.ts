import zlib from 'node:zlib'
import { describe, expect, it, vi } from 'vitest'
import { sliceOf } from '../../src/base/slice.ts'
import { bytesCodec, v8Codec } from '../../src/entry/codec.ts'
import { HEADER_BYTES, isCompressed } from '../../src/entry/envelope.ts'
import { bench, collect, rejection, type Bench } from '../support/caches.ts'
import { isDown } from '../support/fake-node.ts'

/** What JSON makes of it has 3,002 bytes, and deflate about 30. */
const LONG = 'é'.repeat(1_500)
const PLAIN = HEADER_BYTES + 3_002

const stored = ({ server }: Bench, key: string): Uint8Array => server.store.get(key)?.value as Uint8Array

describe('compression', () => {
  it('is off unless asked for', async () => {
    const on = await bench()
    await on.cache.set('key', LONG)
    expect(stored(on, 'key').length).toBe(PLAIN)
  })

  it('is for values over the threshold, counted in bytes of the codec’s', async () => {
    const on = await bench({ compression: { above: 3_001 } })
    await on.cache.setMany([
      ['over', LONG],
      ['under', LONG.slice(1) + 'e'],
    ])
    expect([stored(on, 'over'), stored(on, 'under')].map((each) => isCompressed(sliceOf(each)))).toEqual([true, false])
    expect(stored(on, 'over').length).toBeLessThan(150)
    expect(await on.cache.get('over')).toBe(LONG)
    expect(await on.cache.get('under')).toBe(LONG.slice(1) + 'e')
  })

  it('is over 1,024 bytes unless said otherwise', async () => {
    const on = await bench({ compression: {} })
    await on.cache.setMany([
      ['over', 'x'.repeat(1_023)],
      ['under', 'x'.repeat(1_022)],
    ])
    expect([stored(on, 'over'), stored(on, 'under')].map((each) => isCompressed(sliceOf(each)))).toEqual([true, false])
  })

  it('leaves what is larger than the bound as it is', async () => {
    const on = await bench({ compression: {}, maxInflatedBytes: 3_002 })
    await on.cache.set('key', LONG)
    await on.cache.set('more', `${LONG}x`)
    expect([stored(on, 'key'), stored(on, 'more')].map((each) => isCompressed(sliceOf(each)))).toEqual([true, false])
    expect(await on.cache.get('more')).toBe(`${LONG}x`)
  })

  it('makes room for what its node would not take otherwise', async () => {
    const on = await bench({ compression: {} })
    on.server.maxValueBytes = 1_000
    expect(await on.cache.set('key', LONG)).toMatchObject({ ok: true })
    expect(await on.cache.getOrLoad('other', () => LONG)).toBe(LONG)
    expect(on.cache.stats().dropped['too-large']).toBe(0)
    expect(await on.cache.get('other')).toBe(LONG)
    const off = on.cache.space('off', { compression: false })
    const error = await rejection(off.set('key', LONG))
    expect(error).toMatchObject({ code: 'ERR_VALUE_SIZE' })
    expect((error as Error).message).toContain(`${PLAIN} bytes`)
  })

  it('is off, on or otherwise for a space; and a raw one is never compressed unless it asks, which is refused', async () => {
    const on = await bench({ compression: {} })
    const { cache } = on
    await cache.space('same').set('key', LONG)
    await cache.space('off', { compression: false }).set('key', LONG)
    await cache.space('small', { compression: { above: 5_000 } }).set('key', LONG)
    await cache.space('raw', { format: 'raw' }).set('key', LONG)
    expect(['same:key', 'off:key', 'small:key'].map((key) => isCompressed(sliceOf(stored(on, key))))).toEqual([
      true,
      false,
      false,
    ])
    expect(Buffer.from(stored(on, 'raw:key')).toString()).toBe(JSON.stringify(LONG))
    expect(await cache.space('raw', { format: 'raw' }).get('key')).toBe(LONG)
    const refused = expect.objectContaining({ code: 'ERR_OPTION' })
    expect(() => cache.space('raw', { format: 'raw', compression: {} })).toThrowError(refused)
  })

  it('is done once for a value, whether it is set or loaded; and not for one that goes to no node', async () => {
    const compressing = vi.spyOn(zlib, 'deflateSync')
    const { cache, server } = await bench({ compression: {}, l1: {} })
    const times = async (run: () => Promise<unknown>): Promise<number> => {
      compressing.mockClear()
      await run()
      return compressing.mock.calls.length
    }
    expect(await times(() => cache.set('a', LONG))).toBe(1)
    expect(await times(() => cache.setMany([['b', LONG], ['c', LONG]]))).toBe(2) // prettier-ignore
    expect(await times(() => cache.getOrLoad('d', () => LONG))).toBe(1)
    expect(await times(() => cache.wrap((key: string) => key + LONG, { key: (key) => key })('e'))).toBe(1)
    expect(await times(() => cache.getOrLoad('f', () => LONG, { cache: 'bypass' }))).toBe(0)
    expect(
      await times(() =>
        cache.getOrLoad('g', (ctx) => {
          ctx.skip()
          return LONG
        }),
      ),
    ).toBe(0)
    expect(await times(() => cache.set('h', 'short'))).toBe(0)
    compressing.mockRestore()
    expect(['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((key) => server.store.has(key))).toEqual([
      ...Array<boolean>(5).fill(true),
      false,
      false,
    ])
  })

  it('stores a value as it is when there is no memory to compress it', async () => {
    const compressing = vi.spyOn(zlib, 'deflateSync').mockImplementation(() => {
      throw new Error('zlib: insufficient memory')
    })
    const on = await bench({ compression: {} })
    expect(await on.cache.set('key', LONG)).toMatchObject({ ok: true })
    compressing.mockRestore()
    expect(isCompressed(sliceOf(stored(on, 'key')))).toBe(false)
    expect(await on.cache.get('key')).toBe(LONG)
  })

  it('keeps the order of one turn', async () => {
    const on = await bench({ compression: {} })
    const { cache } = on
    const results = await Promise.all([cache.set('key', LONG), cache.delete('key'), cache.set('key', `${LONG}2`)])
    expect(results.map(({ ok }) => ok)).toEqual([true, true, true])
    expect(await cache.get('key')).toBe(`${LONG}2`)
    await Promise.all([cache.set('key', LONG), cache.delete('key')])
    expect(await cache.get('key')).toBeUndefined()
  })

  it('does not show in L1: what it holds counts as what it was before', async () => {
    for (const compression of [{}, false] as const) {
      const { cache } = await bench({ compression, l1: {} })
      const bytes = (): number | undefined => cache.stats().l1?.bytes
      await cache.set('key', LONG)
      const written = bytes()
      expect(written).toBe(PLAIN + 2 * 3 + 250)
      await cache.get('key', { l1: false })
      await cache.delete('key')
      await cache.set('key', LONG, { l1: false })
      expect(bytes()).toBe(0)
      expect(await cache.get('key')).toBe(LONG)
      expect(bytes()).toBe(written)
    }
  })

  it.each([
    ['V8', v8Codec, new Map([['a', new Date(5)], ['b', LONG]] as never)], // prettier-ignore
    ['bytes', bytesCodec, Buffer.alloc(5_000, 'abc')],
  ])('works with any codec: %s', async (_, codec, value) => {
    const on = await bench({ compression: {}, codec })
    await on.cache.set('key', value)
    expect(isCompressed(sliceOf(stored(on, 'key')))).toBe(true)
    expect(await on.cache.get('key')).toEqual(value)
    expect(await on.cache.getEntry('key')).toMatchObject({ state: 'fresh', value })
  })

  it('goes with a schema, which sees the value', async () => {
    const seen: unknown[] = []
    const validate = (value: unknown): { value: unknown } => ({ value: seen.push(value) && value })
    const { cache } = await bench({
      compression: {},
      schema: { '~standard': { version: 1, vendor: 'test', validate } },
    })
    await cache.set('key', LONG)
    expect(await cache.get('key')).toBe(LONG)
    expect(seen).toEqual([LONG])
  })

  it('goes with expiry and a load that fails', async () => {
    const { cache, clock, server } = await bench({ compression: {}, staleIfError: '1h', ttl: '1m' })
    await cache.set('key', LONG)
    await clock.advanceAsync(61_000)
    expect(await cache.get('key')).toBeUndefined()
    const fails = (): never => {
      throw new Error('no')
    }
    expect(await cache.getOrLoad('key', fails)).toBe(LONG)
    const dropped = collect(cache, 'dropped')
    server.all = isDown
    expect(await cache.getOrLoad('other', () => LONG)).toBe(LONG)
    expect(dropped.map(({ reason }) => reason)).toEqual(['fill-failed'])
  })
})
