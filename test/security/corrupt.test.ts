import { describe, expect, it, onTestFinished } from 'vitest'
import { jsonCodec, v8Codec, type Codec } from '../../src/entry/codec.ts'
import { HEADER_BYTES } from '../../src/entry/envelope.ts'
import type { NodeAdapter } from '../../src/node/contract.ts'
import type { NodeSpec } from '../../src/node/spec.ts'
import { makeCache } from '../support/caches.ts'
import { bareContext } from '../support/context.ts'
import { until } from '../support/servers.ts'
import { everyKind } from './kinds.ts'

const KEY = 'user:1'
const VALUE = { name: 'Ada', tags: ['x', 'y'], at: 5, deep: { a: null, b: true } }
/** The bytes behind the payload check, which a server-side script may change in place: fresh-until, version, lease-until. */
const UNCHECKED_FROM = 32

const kinds = everyKind()

const { nodes } = kinds
const codecs: readonly (readonly [string, Codec])[] = [
  ['JSON', jsonCodec],
  ['V8', v8Codec],
]

/** Writes bytes past the cache, as somebody else with access to the server does. */
async function intruder(node: NodeSpec): Promise<(bytes: Uint8Array) => Promise<void>> {
  const adapter: NodeAdapter = node.primary.open(bareContext)
  onTestFinished(() => adapter.close())
  await adapter.connect()
  return async (value) => expect(await adapter.write([{ key: KEY, value, ttl: 60_000 }])).toEqual(['stored'])
}

async function stored(node: NodeSpec, codec: Codec): Promise<Uint8Array> {
  const cache = await makeCache({ nodes: [node], codec })
  await cache.set(KEY, VALUE)
  const adapter = node.primary.open(bareContext)
  await adapter.connect()
  const [bytes] = await adapter.read([KEY])
  await adapter.close()
  return Uint8Array.from(bytes as Uint8Array)
}

describe.each(nodes)('an entry damaged on %s', (_, makeNode) => {
  it.each(codecs)('is a miss and is removed, whichever byte it is, in %s', async (_name, codec) => {
    const node = makeNode()
    const bytes = await stored(node, codec)
    const write = await intruder(node)
    // It is read again, and removed, within a node's time: a process that stands still for longer leaves it to the next read.
    const cache = await makeCache({ nodes: [node], codec, nodeTimeout: '4s' })
    const adapter = node.primary.open(bareContext)
    onTestFinished(() => adapter.close())
    await adapter.connect()
    const gone = async (): Promise<boolean> => (await adapter.read([KEY]))[0] === undefined
    let served = 0
    for (let at = 0; at < bytes.length; at++)
      for (const mask of [0x01, 0x80, 0xff]) {
        const damaged = Uint8Array.from(bytes)
        damaged[at] = (damaged[at] as number) ^ mask
        await write(damaged)
        const value = await cache.get(KEY)
        if (at >= UNCHECKED_FROM && at < HEADER_BYTES) {
          // Its freshness, version or lease: what is served is the value that was written.
          if (value !== undefined) served++
          expect([undefined, VALUE]).toContainEqual(value)
          continue
        }
        expect(value, `byte ${at} with ${mask}`).toBeUndefined()
        await until(gone, `the damaged entry to go: byte ${at}`)
      }
    expect(served).toBeGreaterThan(0)
    await write(bytes)
    expect(await cache.get(KEY)).toEqual(VALUE)
  })

  it.each(codecs)('is a miss when it is cut short, empty, longer, or no entry, in %s', async (_name, codec) => {
    const node = makeNode()
    const bytes = await stored(node, codec)
    const write = await intruder(node)
    const cache = await makeCache({ nodes: [node], codec })
    const texts = ['', '{}', '{"name":"Eve"}', 'null', '\0', '\xf5\xc5\x01', 'x'.repeat(200)].map((each) =>
      Buffer.from(each, 'latin1'),
    )
    const longer = [1, 2, 8, 1_000].map((n) => Buffer.concat([bytes, Buffer.alloc(n)]))
    for (const each of [...texts, ...longer]) {
      await write(each)
      expect(await cache.get(KEY)).toBeUndefined()
    }
    for (let length = 0; length < bytes.length; length++) {
      await write(bytes.subarray(0, length))
      expect(await cache.getMany([KEY, 'other'])).toEqual(new Map())
    }
    await write(bytes.subarray(0, 70))
    expect(await cache.getOrLoad(KEY, () => 'loaded')).toBe('loaded')
    expect(await cache.get(KEY)).toBe('loaded')
  })

  it.each(codecs)(
    'stored raw, gives what the codec makes of it or a miss, and never throws, in %s',
    async (_name, codec) => {
      const node = makeNode()
      const write = await intruder(node)
      const cache = await makeCache({ nodes: [node], codec, format: 'raw' })
      const bytes = codec.encode(VALUE)
      for (let at = 0; at < bytes.length; at++)
        for (const mask of [0x01, 0x20, 0x80, 0xff]) {
          const damaged = Uint8Array.from(bytes)
          damaged[at] = (damaged[at] as number) ^ mask
          await write(damaged)
          await cache.get(KEY)
          await cache.getMany([KEY])
        }
      await write(bytes)
      expect(await cache.get(KEY)).toEqual(VALUE)
    },
  )
})
