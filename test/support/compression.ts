import type { CompressionOptions } from '../../src/entry/compression.ts'
import { hasMethod } from '../../src/entry/compression.ts'

/** The methods that this Node has. */
export const METHODS: readonly NonNullable<CompressionOptions['method']>[] = hasMethod('zstd')
  ? ['deflate', 'zstd']
  : ['deflate']

/** 2,000 times the letter `a`, compressed with zstd: for a Node that has it, and for one that does not. */
export const ZSTD_OF_A: Uint8Array = Buffer.from('28b52ffd60d0064d00001061610100cbff000b', 'hex')

/** `12345678` in a zstd frame that says nothing of its length, and has a window of 128 MiB. */
export const ZSTD_WIDE: Uint8Array = Buffer.from('28b52ffd0088410000' + Buffer.from('12345678').toString('hex'), 'hex')
