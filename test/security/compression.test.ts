import { randomBytes } from 'node:crypto'
import { deflateSync } from 'node:zlib'
import { describe, expect, it, onTestFinished } from 'vitest'
import { loadHash } from '../../src/base/hash.ts'
import { hasMethod } from '../../src/entry/compression.ts'
import { bytesCodec } from '../../src/entry/codec.ts'
import { HEADER_BYTES } from '../../src/entry/envelope.ts'
import type { NodeAdapter } from '../../src/node/contract.ts'
import { memoryNode } from '../../src/node/memory.ts'
import type { NodeSpec } from '../../src/node/spec.ts'
import { collect, makeCache } from '../support/caches.ts'
import { compressedEnvelope, deflateBomb, METHODS, ZSTD_OF_A, zstdBomb } from '../support/compression.ts'
import { bareContext } from '../support/context.ts'
import { until } from '../support/servers.ts'
import { everyKind } from './kinds.ts'

const hash = await loadHash()
const KEY = 'user:1'
const MIB = 2 ** 20
const PATIENT = { nodeTimeout: '4s' } as const
const VALUE = Array.from({ length: 40 }, (_, id) => ({ id, name: `user ${id}`, note: 'ünïcödé €🔑' }))

const { nodes } = everyKind()

/** The node's own view of the key, past the cache. */
async function direct(node: NodeSpec): Promise<{
  plant(bytes: Uint8Array): Promise<void>
  stored(): Promise<Uint8Array | undefined>
}> {
  const adapter: NodeAdapter = node.primary.open(bareContext)
  onTestFinished(() => adapter.close())
  await adapter.connect()
  return {
    plant: async (value) => expect(await adapter.write([{ key: KEY, value, ttl: 60_000 }])).toEqual(['stored']),
    stored: async () => {
      const [bytes] = await adapter.read([KEY])
      return bytes instanceof Uint8Array ? Uint8Array.from(bytes) : undefined
    },
  }
}

describe.each(nodes)('on %s', (_, makeNode) => {
  it.each([
    ['deflate', deflateBomb(960)],
    ['zstd', zstdBomb(960)],
  ] as const)('a gigabyte in a small %s payload is a miss, in bounded memory', async (method, bomb) => {
    const node = makeNode()
    const cache = await makeCache({ nodes: [node], ...PATIENT })
    const dropped = collect(cache, 'dropped')
    const { plant, stored } = await direct(node)
    expect(bomb.length).toBeLessThan(MIB)
    await plant(compressedEnvelope(bomb, KEY, hash))
    const before = process.resourceUsage().maxRSS
    expect(await cache.get(KEY)).toBeUndefined()
    expect(await cache.getMany([KEY, 'other'])).toEqual(new Map())
    expect(process.resourceUsage().maxRSS - before).toBeLessThan(512 * 1_024)
    if (hasMethod(method)) {
      expect(dropped[0]).toMatchObject({ reason: 'corrupt', key: KEY })
      await until(async () => (await stored()) === undefined, 'it to be removed')
    } else {
      expect(dropped[0]).toMatchObject({ reason: 'unsupported', key: KEY })
      expect(await stored()).toBeDefined()
    }
    expect(await cache.getOrLoad(KEY, () => 'loaded')).toBe('loaded')
    expect(await cache.get(KEY)).toBe('loaded')
  })

  it.each([
    ['deflate', deflateBomb(2)],
    ['zstd', zstdBomb(2)],
  ] as const)('the bound decides: two megabytes of %s under one of 2 MiB, and under one less', async (method, bomb) => {
    const node = makeNode()
    const { plant } = await direct(node)
    const readBy = async (maxInflatedBytes: number): Promise<unknown> => {
      const cache = await makeCache({ nodes: [node], codec: bytesCodec, maxInflatedBytes, ...PATIENT })
      await plant(compressedEnvelope(bomb, KEY, hash))
      return cache.get(KEY)
    }
    const enough = await readBy(2 * MIB)
    if (hasMethod(method)) expect(Buffer.alloc(2 * MIB).equals(enough as Uint8Array)).toBe(true)
    else expect(enough).toBeUndefined()
    expect(await readBy(2 * MIB - 1)).toBeUndefined()
  })

  it.each(METHODS)('an entry of %s is a miss and is removed, whichever byte is damaged', async (method) => {
    const node = makeNode()
    const cache = await makeCache({ nodes: [node], compression: { method, above: 0 }, ...PATIENT })
    const { plant, stored } = await direct(node)
    await cache.set(KEY, VALUE)
    const whole = (await stored()) as Uint8Array
    expect(whole.length).toBeLessThan(JSON.stringify(VALUE).length / 2)
    for (let at = 0; at < whole.length; at++) {
      // What a script changes in place is under no check, and no value hangs on it.
      if (at >= 32 && at < HEADER_BYTES) continue
      const damaged = Uint8Array.from(whole)
      damaged[at] = (damaged[at] as number) ^ 0x55
      await plant(damaged)
      expect(await cache.get(KEY), `byte ${at}`).toBeUndefined()
      await until(async () => (await stored()) === undefined, `byte ${at} to go`)
    }
    await plant(whole)
    expect(await cache.get(KEY)).toEqual(VALUE)
  })

  it('a payload that is none, in an envelope that is in order, is a miss and is removed', async () => {
    const node = makeNode()
    const cache = await makeCache({ nodes: [node], ...PATIENT })
    const { plant, stored } = await direct(node)
    const good = deflateSync(JSON.stringify(VALUE))
    const bad = [
      Buffer.alloc(0),
      Buffer.from(JSON.stringify(VALUE)),
      Buffer.from([0x78]),
      Buffer.concat([Buffer.from('789c', 'hex'), randomBytes(500)]),
      good.subarray(0, -1),
      good.subarray(0, 20),
      Buffer.concat([good, Buffer.from('more')]),
      deflateSync('{"not":'),
      deflateSync(''),
    ]
    for (const payload of bad) {
      await plant(compressedEnvelope(payload, KEY, hash))
      expect(await cache.get(KEY)).toBeUndefined()
      await until(async () => (await stored()) === undefined, 'it to be removed')
    }
    expect(cache.stats().dropped.corrupt).toBeGreaterThanOrEqual(bad.length)
    await plant(compressedEnvelope(good, KEY, hash))
    expect(await cache.get(KEY)).toEqual(VALUE)
  })

  it('zstd is read where Node has it; where it has not, it is a miss that is left for those that have', async () => {
    const node = makeNode()
    const cache = await makeCache({ nodes: [node], codec: bytesCodec, ...PATIENT })
    const dropped = collect(cache, 'dropped')
    const { plant, stored } = await direct(node)
    const entry = compressedEnvelope(ZSTD_OF_A, KEY, hash)
    await plant(entry)
    if (hasMethod('zstd')) {
      expect(await cache.get(KEY)).toEqual(Buffer.alloc(2_000, 'a'))
      expect(dropped).toEqual([])
      return
    }
    for (let round = 0; round < 3; round++) expect(await cache.get(KEY)).toBeUndefined()
    expect(dropped).toMatchObject(Array(3).fill({ reason: 'unsupported', key: KEY }))
    expect(cache.stats().dropped).toMatchObject({ unsupported: 3, corrupt: 0 })
    expect(await stored()).toEqual(Uint8Array.from(entry))
    // Whoever has something else for it writes over it, in a form that all can read.
    expect(await cache.getOrLoad(KEY, () => Buffer.from('loaded'))).toEqual(Buffer.from('loaded'))
    expect(await cache.get(KEY)).toEqual(Buffer.from('loaded'))
  })
})

it('a bad option is refused before any socket', async () => {
  let opened = 0
  const node = memoryNode('a')
  const open: NodeSpec['primary']['open'] = (context) => {
    opened++
    return node.primary.open(context)
  }
  const nodes = [{ ...node, primary: { ...node.primary, open } }]
  const bad = [{ compression: true }, { compression: { level: 99 } }, { compression: {}, format: 'raw' }]
  const more = [{ maxInflatedBytes: 0 }, { compression: { method: 'lz4' } }]
  for (const options of [...bad, ...more, ...(hasMethod('zstd') ? [] : [{ compression: { method: 'zstd' } }])])
    await expect(makeCache({ nodes, ...options } as never)).rejects.toMatchObject({ code: 'ERR_OPTION' })
  expect(opened).toBe(0)
  const cache = await makeCache({ nodes })
  expect(opened).toBe(1)
  for (const options of [...bad, ...more])
    expect(() => cache.space('s', options as never)).toThrowError(expect.objectContaining({ code: 'ERR_OPTION' }))
})
