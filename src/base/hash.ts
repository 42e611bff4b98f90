import xxhash from 'xxhash-wasm'

/** The hash functions that placement and envelopes use, ready to be called synchronously. */
export interface Hash {
  /** XXH32 of the text's UTF-8 bytes; `seed` is 0 unless given. An unsigned 32-bit integer. */
  text(text: string, seed?: number): number
  /** XXH32 of bytes; `seed` is 0 unless given. An unsigned 32-bit integer. */
  bytes(bytes: Uint8Array, seed?: number): number
}

let loading: Promise<Hash> | undefined

/**
 * Loads xxHash. WebAssembly compiles asynchronously, so this is the one step of building a ring that has to be awaited;
 * it is done once per process.
 *
 * @example
 * const hash = await loadHash()
 * hash.text('user:1') // the position of this key on every ring
 */
export function loadHash(): Promise<Hash> {
  loading ??= xxhash().then(({ h32, h32Raw }) => ({ text: h32, bytes: h32Raw }))
  return loading
}
