import { constants, deflateRawSync } from 'node:zlib'
import type { Hash } from '../../src/base/hash.ts'
import { hasMethod, type CompressionOptions } from '../../src/entry/compression.ts'
import { newVersion, writeEnvelope } from '../../src/entry/envelope.ts'

/** The methods that this Node has. */
export const METHODS: readonly NonNullable<CompressionOptions['method']>[] = hasMethod('zstd')
  ? ['deflate', 'zstd']
  : ['deflate']

/** 2,000 times the letter `a`, compressed with zstd: for a Node that has it, and for one that does not. */
export const ZSTD_OF_A: Uint8Array = Buffer.from('28b52ffd60d0064d00001061610100cbff000b', 'hex')

/** `12345678` in a zstd frame that says nothing of its length, and has a window of 128 MiB. */
export const ZSTD_WIDE: Uint8Array = Buffer.from('28b52ffd00884100003132333435363738', 'hex')

const MIB = 2 ** 20

/** So many MiB of zeros, in a thousandth of that: a stream of zlib that nobody had to inflate to write it. */
export function deflateBomb(mib: number): Buffer {
  const block = deflateRawSync(Buffer.alloc(MIB), { level: 9, finishFlush: constants.Z_FULL_FLUSH })
  // The blocks, an empty one that ends them, and the check of that many zeros, which no reader comes to.
  const end = Buffer.from('0300', 'hex')
  const check = Buffer.alloc(4)
  check.writeUInt32BE(((((mib * MIB) % 65_521) << 16) | 1) >>> 0)
  return Buffer.concat([Buffer.from('7801', 'hex'), ...Array.from({ length: mib }, () => block), end, check])
}

/** The same in zstd, in four bytes for each 128 KiB. */
export function zstdBomb(mib: number): Buffer {
  const count = mib * 8
  const blocks = Array.from({ length: count }, (_, i) => {
    // Repeats one byte; the last one says that it is the last.
    const head = ((128 * 1_024) << 3) | (1 << 1) | (i === count - 1 ? 1 : 0)
    return Buffer.from([head & 0xff, (head >>> 8) & 0xff, head >>> 16, 0])
  })
  return Buffer.concat([Buffer.from('28b52ffd0038', 'hex'), ...blocks])
}

/** An envelope in order, whose payload claims to be compressed. */
export function compressedEnvelope(payload: Uint8Array, key: string, hash: Hash): Buffer {
  const now = Date.now()
  const times = { writtenAt: now, freshUntil: now + 60_000, entryUntil: now + 60_000, leaseUntil: 0, loadTime: 0 }
  const version = newVersion(now, Uint8Array.of(1, 2, 3))
  return writeEnvelope({ kind: 'value', compressed: true, version, ...times }, payload, key, hash)
}
