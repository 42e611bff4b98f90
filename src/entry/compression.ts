import zlib from 'node:zlib'
import { checkCount, checkOneOf, checkOptions } from '../base/check.ts'
import { OptionError, quote } from '../base/errors.ts'

/**
 * Which values are compressed, and how. Both ways are synchronous: a value of a megabyte costs milliseconds of the event loop.
 *
 * @example
 * const pages = cache.space<Page>('page', { compression: { above: 4_096 } })
 */
export interface CompressionOptions {
  /** The bytes of the codec's payload above which it is compressed; 1,024 unless given. */
  above?: number
  /**
   * `'deflate'` (the default) is zlib's format, which every Node reads. `'zstd'` is quicker with large values; it takes Node
   * 22.15 or newer in every process that reads: for others its values are misses.
   */
  method?: 'deflate' | 'zstd'
  /** From 1, the quickest, to 9 (`'deflate'`) or 22 (`'zstd'`); 1 and 3 unless given. */
  level?: number
}

/** Checked {@link CompressionOptions}. */
export interface Compression {
  readonly above: number
  readonly method: 'deflate' | 'zstd'
  readonly level: number
}

/** The most bytes that a payload may inflate to, unless another bound is given: 64 MiB. */
export const MAX_INFLATED: number = 64 * 1024 * 1024
/** The highest bound that may be given: 1 GiB. */
const MOST_INFLATED = 1024 * 1024 * 1024

/** Of each method: its level unless one is given, and its highest. */
const LEVELS = { deflate: { usual: 1, most: 9 }, zstd: { usual: 3, most: 22 } } as const

/** What a call of `node:zlib` with `info` gives. */
interface Informed {
  readonly buffer: Buffer
  /** It counts the bytes that it took in. */
  readonly engine: { readonly bytesWritten: number }
}

/** The part of `node:zlib` that came with Node 22.15, later than its types here. */
interface Zstd {
  readonly zstdCompressSync?: (bytes: Uint8Array, options: ZstdOptions) => Buffer
  readonly zstdDecompressSync?: (bytes: Uint8Array, options: ZstdOptions) => Buffer
}

interface ZstdOptions extends zlib.ZlibOptions {
  readonly params: Readonly<Record<number, number>>
}

const { zstdCompressSync, zstdDecompressSync } = zlib as Zstd
/** `ZSTD_c_compressionLevel` and `ZSTD_d_windowLogMax`: part of zstd's stable interface. */
const ZSTD_LEVEL = 100
const ZSTD_MOST_WINDOW = 100

/** How a payload begins that was compressed by each method. */
const ZLIB_FIRST = 0x78
const ZSTD_FIRST = [0x28, 0xb5, 0x2f, 0xfd] as const

/** Whether this Node has a method. */
export function hasMethod(method: Compression['method']): boolean {
  return method === 'deflate' || (zstdCompressSync !== undefined && zstdDecompressSync !== undefined)
}

/**
 * Checks {@link CompressionOptions}; `undefined` for `false`.
 *
 * @throws OptionError `ERR_OPTION`, also for a method that this Node does not have
 */
export function checkCompression(given: unknown): Compression | undefined {
  if (given === false) return undefined
  if (typeof given !== 'object' || given === null) {
    throw new OptionError('ERR_OPTION', `compression must be false or an object of options; given: ${quote(given)}`)
  }
  const options = checkOptions(given, 'compression', ['above', 'method', 'level'])
  const { above = 1_024, method = 'deflate' } = options
  const name = checkOneOf(method, 'compression.method', ['deflate', 'zstd'])
  if (!hasMethod(name)) {
    throw new OptionError('ERR_OPTION', `compression.method 'zstd' needs Node 22.15; this is ${process.versions.node}`)
  }
  const { usual, most } = LEVELS[name]
  const level = options['level'] === undefined ? usual : checkCount(options['level'], 'compression.level')
  if (level > most) {
    throw new OptionError('ERR_OPTION', `compression.level of '${name}' must be at most ${most}; given: ${level}`)
  }
  return { above: checkCount(above, 'compression.above', 0), method: name, level }
}

/**
 * Checks the bound on what a payload may inflate to, in bytes.
 *
 * @throws OptionError `ERR_OPTION`
 */
export function checkMaxInflated(given: unknown): number {
  const bytes = checkCount(given, 'maxInflatedBytes')
  if (bytes <= MOST_INFLATED) return bytes
  throw new OptionError('ERR_OPTION', `maxInflatedBytes must be at most ${MOST_INFLATED}; given: ${bytes}`)
}

/** The compressed bytes; `undefined` when they are not at least an eighth fewer. Never throws. */
export function compress(bytes: Uint8Array, { method, level }: Compression): Uint8Array | undefined {
  try {
    const packed =
      method === 'zstd' && zstdCompressSync
        ? zstdCompressSync(bytes, { params: { [ZSTD_LEVEL]: level } })
        : zlib.deflateSync(bytes, { level })
    return packed.length * 8 <= bytes.length * 7 ? packed : undefined
  } catch {
    // Without the memory for it, the value is stored as it is.
    return undefined
  }
}

/**
 * The bytes that were compressed, whatever compressed them; or why there are none: `'corrupt'`, also when they would be more
 * than `most`, or `'unsupported'` for a method that this Node does not have. Never throws, and holds little more than `most`.
 */
export function inflate(payload: Uint8Array, most: number): Uint8Array | 'corrupt' | 'unsupported' {
  const zstd = ZSTD_FIRST.every((byte, i) => payload[i] === byte)
  if (!zstd && payload[0] !== ZLIB_FIRST) return 'corrupt'
  if (zstd && zstdDecompressSync === undefined) return 'unsupported'
  const options = { maxOutputLength: most, chunkSize: chunkSize(payload.length, most), info: true }
  try {
    // No window is larger than what comes out, rounded up.
    const window = Math.max(10, Math.ceil(Math.log2(most)))
    const { buffer, engine } = (zstd && zstdDecompressSync
      ? zstdDecompressSync(payload, { ...options, params: { [ZSTD_MOST_WINDOW]: window } })
      : zlib.inflateSync(payload, options)) as unknown as Informed
    // Node passes over what stands behind the end.
    return engine.bytesWritten === payload.length ? buffer : 'corrupt'
  } catch {
    return 'corrupt'
  }
}

/** In which portions to inflate: mostly, all of it fits into one, and none is large for a small payload. */
function chunkSize(compressed: number, most: number): number {
  return Math.max(64, Math.min(compressed * 8, most, 1024 * 1024))
}
