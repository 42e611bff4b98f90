import { createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { readKeyLog, recordKeys, type ReadKeyLogOptions, type RecordKeysOptions } from '../src/key-log.ts'
import { bench, turn } from './support/caches.ts'

type Chunks = Iterable<string | Uint8Array>

async function read(chunks: Chunks, options: ReadKeyLogOptions = {}): Promise<{ keys: string[]; skipped: number[] }> {
  const keys: string[] = []
  const skipped: number[] = []
  for await (const key of readKeyLog(chunks, { onSkipped: (line) => skipped.push(line), ...options })) keys.push(key)
  return { keys, skipped }
}

/** Records what `reads` does, on a cache with a space and a namespace. */
async function recorded(
  reads: (made: Awaited<ReturnType<typeof bench>>) => Promise<unknown>,
  options?: RecordKeysOptions,
): Promise<string[]> {
  // prettier-ignore
  const made = await bench({ namespace: 'app', l1: {} })
  const lines: string[] = []
  const stop = recordKeys(made.cache, (line) => lines.push(line), options)
  await reads(made)
  stop()
  await made.cache.get('after')
  return lines
}

describe('the record of keys', () => {
  it('has a line for each key that is read, whether there is something or not, until it is stopped', async () => {
    const lines = await recorded(async ({ cache }) => {
      const users = cache.space<number>('user')
      await cache.set('a', 1)
      await cache.getMany(['a', 'b'])
      await users.getOrLoad('1', () => 1)
      await users.getOrLoadMany(['1', '2'], (missing) => missing.map((key) => [key, 2] as const))
    })
    expect(lines.toSorted()).toEqual(['"a"\n', '"b"\n', '"user:1"\n', '"user:1"\n', '"user:2"\n'])
  })

  it('is of a share of the reads', async () => {
    const chances = [0.05, 0.9, 0.1, 0.0999]
    const lines = await recorded(({ cache }) => cache.getMany(['a', 'b', 'c', 'd']), {
      sample: 0.1,
      random: () => chances.shift()!,
    })
    expect(lines).toEqual(['"a"\n', '"d"\n'])
  })

  it('harms no read when it cannot be written', async () => {
    const { cache } = await bench()
    await cache.set('a', 1)
    recordKeys(cache, () => {
      throw new Error('disk full')
    })
    recordKeys(cache, () => Promise.reject(new Error('disk full')))
    expect(await cache.get('a')).toBe(1)
    await turn()
  })

  it.each<[string, () => unknown, string]>([
    ['sample: 0', () => recordKeys(source, () => {}, { sample: 0 }), 'above 0 and at most 1; given: 0'],
    ['sample: 2', () => recordKeys(source, () => {}, { sample: 2 }), 'above 0 and at most 1; given: 2'],
    ['sample: NaN', () => recordKeys(source, () => {}, { sample: Number.NaN }), 'given: NaN'],
    ['random', () => recordKeys(source, () => {}, { random: 1 as never }), 'random must be a function; given: 1'],
    ['write', () => recordKeys(source, 'file' as never), 'write must be a function; given: "file"'],
    ['a name', () => recordKeys(source, () => {}, { share: 1 } as never), 'has no option "share"'],
  ])('refuses a bad %s, and does not begin', (_, run, message) => {
    expect(run).toThrow(expect.objectContaining({ code: 'ERR_OPTION', message: expect.stringContaining(message) }))
  })
  const source = { on: () => expect.unreachable('it listens') }
})

describe('a log of keys that is read', () => {
  it('gives back all keys that were recorded, wherever it is cut', async () => {
    const key = fc.string({ minLength: 1, unit: 'binary' }).filter((text) => text.isWellFormed())
    const property = fc.asyncProperty(fc.uniqueArray(key), fc.integer({ min: 1, max: 9 }), async (keys, size) => {
      const lines: string[] = []
      const listeners: ((event: never) => unknown)[] = []
      recordKeys({ on: (_, listener) => (listeners.push(listener), () => {}) }, (line) => lines.push(line))
      for (const each of keys) listeners[0]!({ key: each } as never)
      const bytes = Buffer.from(lines.join(''))
      const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size)) // prettier-ignore
      expect(await read(pieces)).toEqual({ keys, skipped: [] })
      expect(await read(Array.from(lines.join('')))).toEqual({ keys, skipped: [] })
    })
    await fc.assert(property, { seed: 20, numRuns: 300 })
  })

  it('leaves out keys that came before', async () => {
    expect((await read(['"a"\n"b"\n"a"\n', '"b"\n"c"\n'])).keys).toEqual(['a', 'b', 'c'])
  })

  it('remembers the last keys alone, those that come often the longest', async () => {
    const lines = (...keys: string[]): string[] => keys.map((key) => `"${key}"\n`)
    expect((await read(lines('a', 'b', 'a', 'c', 'a', 'b'), { remember: 2 })).keys).toEqual(['a', 'b', 'c', 'b'])
  })

  it('gives the names within a space', async () => {
    const log = ['"user:1"\n"post:1"\n"user:"\n"users:3"\n"user:2"\n']
    expect((await read(log, { prefix: 'user:' })).keys).toEqual(['1', '2'])
  })

  it('skips what is damaged, and says where', async () => {
    const lines = ['"a"', 'nonsense', '""', '1', '["b"]', String.raw`"\ud800"`, '"c', '', '"d"\r', 'null', '"e']
    expect(await read([lines.join('\n')])).toEqual({ keys: ['a', 'd'], skipped: [2, 3, 4, 5, 6, 7, 10, 11] })
  })

  it('skips what is no UTF-8, and keeps a key that looks so', async () => {
    const bytes = Buffer.concat([Buffer.from('"a'), Buffer.from([0xff, 0xc3]), Buffer.from('"\n"b"\n"\\ufffd"\n"c'), Buffer.from([0xe2, 0x82])]) // prettier-ignore
    expect(await read([bytes])).toEqual({ keys: ['b', '\ufffd'], skipped: [1, 4] })
  })

  it('reads a last line without an end', async () => {
    expect(await read(['"a"\n"b"'])).toEqual({ keys: ['a', 'b'], skipped: [] })
  })

  it('keeps no more of a line without end than a key can be', async () => {
    const piece = 'x'.repeat(1024 * 1024)
    function* endless(): Generator<string> {
      yield '"a"\n"'
      for (let i = 0; i < 200; i++) yield piece
      yield '"\n"b"\n'
    }
    const before = process.memoryUsage().rss
    expect(await read(endless())).toEqual({ keys: ['a', 'b'], skipped: [2] })
    expect(process.memoryUsage().rss - before).toBeLessThan(150 * 1024 * 1024)
  })

  it('warms the next cache, from a file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'key-log-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const path = join(folder, 'keys.log')
    const file = createWriteStream(path)
    const yesterday = await bench()
    const stop = recordKeys(yesterday.cache, (line) => file.write(line))
    const users = yesterday.cache.space<string>('user')
    for (let i = 0; i < 3_000; i++) await users.getOrLoad(`${i % 700} é\n`, () => 'value')
    stop()
    await finished(file.end())

    const today = (await bench()).cache.space<string>('user')
    const load = (missing: string[]) => Promise.resolve(missing.map((key) => [key, 'value'] as const))
    const names = readKeyLog(createReadStream(path), { prefix: 'user:' })
    expect(await today.warm(names, load)).toEqual({ done: 700, loaded: 700, skipped: 0, failed: 0 })
    expect(await today.get('699 é\n')).toBe('value')
  })

  it.each<[string, () => unknown, string]>([
    ['log', () => readKeyLog('keys.log'), 'chunks of a key log must be an array or another iterable; given: "keys.log"'], // prettier-ignore
    ['prefix', () => readKeyLog([], { prefix: 1 as never }), 'prefix must be a string; given: 1'],
    ['remember', () => readKeyLog([], { remember: 0 }), 'remember must be a whole number of at least 1; given: 0'],
    ['onSkipped', () => readKeyLog([], { onSkipped: 1 as never }), 'onSkipped must be a function; given: 1'],
    ['name', () => readKeyLog([], { max: 1 } as never), 'has no option "max"'],
  ])('refuses a bad %s at once', (_, run, message) => {
    expect(run).toThrow(expect.objectContaining({ code: 'ERR_OPTION', message: expect.stringContaining(message) }))
  })

  it('refuses chunks that are neither text nor bytes', async () => {
    await expect(read([1 as never])).rejects.toMatchObject({ code: 'ERR_OPTION' })
  })
})
