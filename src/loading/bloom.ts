import { checkCount, checkFunction, checkOptions } from '../base/check.ts'
import { OptionError, quote } from '../base/errors.ts'
import { loadHash, type Hash } from '../base/hash.ts'
import { checkKey } from '../entry/key.ts'
import { checkRate, readFilter, writeFilter, type FilterParts } from './bloom-bytes.ts'
import { emptySlice, nextShape, putIntoSlice, sliceHas, type Slice } from './bloom-slice.ts'
import type { Gate } from './gate.ts'

/** Options of {@link bloomFilter}. */
export interface BloomFilterOptions {
  /**
   * The most foreign keys, as a share of all foreign keys, that are taken for known, however many keys are added: from
   * 0.000001 to 0.5, 0.01 (1 %) unless given.
   */
  falsePositives?: number
  /** For how many keys room is made at once; 100,000 unless given. Beyond that it grows; a good guess saves memory. */
  expected?: number
}

/** Options of {@link buildBloomFilter}. */
export interface BuildBloomFilterOptions extends BloomFilterOptions {
  /** Called with the number of keys read so far, after every 1,000, and at the end. */
  onProgress?: (done: number) => void
  /** Stops the build, which rejects with `signal.reason`; the keys are read no further. */
  signal?: AbortSignal
}

/**
 * A set of keys in a few bits each: a key that was added is never denied, and of all others a stated share at most is taken
 * for known. Keys cannot be taken out.
 *
 * At 1 % it takes 1.5 bytes per key that was expected. Beyond that it grows by slices, each for twice as many keys as the one
 * before it: 1.6 to 2 bytes per key when the last one is full, up to 5 when it is new. It has at most 512 MiB.
 */
export interface BloomFilter extends Gate {
  /**
   * Adds a key; at once, and for good. One that is taken for known already changes nothing.
   *
   * @throws KeyError `ERR_KEY` for what cannot be a key
   * @throws OptionError `ERR_OPTION` when the filter would have to grow beyond 512 MiB; what it holds stays as it is
   */
  add(key: string): void
  /**
   * `true` for every key that was added, and for a share of all others of at most `falsePositives`.
   *
   * @throws KeyError `ERR_KEY` for what cannot be a key
   */
  mayExist(key: string): boolean
  /** How many keys it was given, without those that it took for known already. */
  readonly size: number
  /** How many bytes its bits take. */
  readonly bytes: number
  /** The rate it was made for. */
  readonly falsePositives: number
  /** A copy as bytes, for {@link restoreBloomFilter}: `bytes`, and a few hundred more. Takes a millisecond per few megabytes. */
  serialize(): Uint8Array
}

/**
 * An empty Bloom filter that grows: a {@link Gate} for the option `gate`.
 *
 * @throws OptionError `ERR_OPTION`
 * @example
 * const filter = await bloomFilter({ expected: 1_000_000, falsePositives: 0.01 })
 * filter.add('user:1')
 * filter.mayExist('user:1') // true
 * filter.mayExist('user:2') // false; for one in a hundred such keys, true
 */
export async function bloomFilter(options: BloomFilterOptions = {}): Promise<BloomFilter> {
  checkOptions(options, 'options', ['falsePositives', 'expected'])
  return create(options)
}

/**
 * A Bloom filter of the keys that there are. Other work goes on meanwhile: after every 1,000 keys the event loop gets a turn.
 *
 * @param keys the keys with their space's prefix, as the cache has them; each is read once
 * @throws OptionError `ERR_OPTION`; KeyError `ERR_KEY` for what cannot be a key; what `keys` or `onProgress` throws;
 *   `signal.reason` once aborted
 * @example
 * async function* keys() {
 *   for await (const row of db.stream('SELECT id FROM users')) yield `user:${row.id}`
 * }
 * const filter = await buildBloomFilter(keys(), { expected: 1_000_000, onProgress: (done) => console.log(done) })
 */
export async function buildBloomFilter(
  keys: Iterable<string> | AsyncIterable<string>,
  options: BuildBloomFilterOptions = {},
): Promise<BloomFilter> {
  checkOptions(options, 'options', ['falsePositives', 'expected', 'onProgress', 'signal'])
  const { onProgress, signal } = options
  if (onProgress !== undefined) checkFunction(onProgress, 'onProgress')
  if (signal !== undefined && !((signal as unknown) instanceof AbortSignal)) {
    throw new OptionError('ERR_OPTION', `signal must be an AbortSignal; given: ${quote(signal)}`)
  }
  if (!isIterable(keys)) {
    throw new OptionError('ERR_OPTION', `keys must be an iterable or async iterable; given: ${quote(keys)}`)
  }
  const filter = await create(options)
  signal?.throwIfAborted()
  await untilAborted(fill(filter, keys, options), signal)
  return filter
}

/**
 * The filter that `serialize` wrote, in this process or another. The bytes are copied.
 *
 * Damage is found; what was forged is not: restore only what you have stored yourself.
 *
 * @throws OptionError `ERR_OPTION` for anything else: cut short, damaged, of a later format, or not a filter at all. A new one
 *   must then be built
 * @example
 * await writeFile('users.bloom', filter.serialize())
 * const restored = await restoreBloomFilter(await readFile('users.bloom'))
 */
export async function restoreBloomFilter(bytes: Uint8Array): Promise<BloomFilter> {
  if (!((bytes as unknown) instanceof Uint8Array)) {
    throw new OptionError('ERR_OPTION', `bytes must be a Uint8Array; given: ${quote(bytes)}`)
  }
  const hash = await loadHash()
  return new ScalableBloomFilter(readFilter(bytes, hash), hash)
}

/** Slices that double, each with a stricter rate than the one before it. */
class ScalableBloomFilter implements BloomFilter {
  readonly falsePositives: number
  readonly #slices: Slice[]
  readonly #hash: Hash

  constructor({ falsePositives, slices }: FilterParts, hash: Hash) {
    this.falsePositives = falsePositives
    this.#slices = [...slices]
    this.#hash = hash
  }

  get size(): number {
    return this.#slices.reduce((sum, slice) => sum + slice.keys, 0)
  }

  get bytes(): number {
    return this.#slices.reduce((sum, slice) => sum + slice.bits.length, 0)
  }

  add(key: string): void {
    checkKey(key)
    const h1 = this.#hash.text(key)
    const h2 = textHash(key)
    if (!this.#has(h1, h2)) putIntoSlice(this.#roomy(), h1, h2)
  }

  mayExist(key: string): boolean {
    checkKey(key)
    return this.#has(this.#hash.text(key), textHash(key))
  }

  serialize(): Uint8Array {
    return writeFilter({ falsePositives: this.falsePositives, slices: this.#slices }, this.#hash)
  }

  /** The newest first: it has the most keys. */
  #has(h1: number, h2: number): boolean {
    for (let i = this.#slices.length - 1; i >= 0; i--) {
      if (sliceHas(this.#slices[i] as Slice, h1, h2)) return true
    }
    return false
  }

  #roomy(): Slice {
    const last = this.#slices.at(-1) as Slice
    if (last.keys < last.capacity) return last
    const next = emptySlice(nextShape(last, this.#slices.length, this.falsePositives), this.bytes)
    this.#slices.push(next)
    return next
  }
}

/** After how many keys the event loop gets a turn. */
const TURN = 1_000

async function create({ falsePositives, expected }: BloomFilterOptions): Promise<BloomFilter> {
  const rate = checkRate(falsePositives ?? 0.01, 'falsePositives')
  const first = nextShape(checkCount(expected ?? 100_000, 'expected'), 0, rate)
  const slices = [emptySlice(first, 0)]
  return new ScalableBloomFilter({ falsePositives: rate, slices }, await loadHash())
}

async function fill(
  filter: BloomFilter,
  keys: Iterable<string> | AsyncIterable<string>,
  { onProgress, signal }: BuildBloomFilterOptions,
): Promise<void> {
  let done = 0
  for await (const key of keys) {
    signal?.throwIfAborted()
    filter.add(key)
    if (++done % TURN === 0) {
      onProgress?.(done)
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  if (done % TURN !== 0 || done === 0) onProgress?.(done)
}

/** Settles with the work, or rejects as soon as the signal says so: the work may itself wait for something that hangs. */
function untilAborted(work: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (!signal) return work
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error)
    signal.addEventListener('abort', abort, { once: true })
    if (signal.aborted) abort()
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

function isIterable(given: unknown): boolean {
  return typeof given === 'object' && given !== null && (Symbol.asyncIterator in given || Symbol.iterator in given)
}

/**
 * A second 32-bit hash, of the UTF-16 code units. XXH32 with another seed would not do: of two keys of eight characters that
 * it gives one hash, about every second has one hash with the other seed too.
 */
function textHash(text: string): number {
  let h = 0x811c_9dc5
  for (let i = 0; i < text.length; i++) {
    h = Math.imul(h ^ text.charCodeAt(i), 0x9e37_79b1)
    h ^= h >>> 15
  }
  return h >>> 0
}
