/** Part of an array of bytes. */
export interface ByteSlice {
  readonly bytes: Uint8Array
  /** The place of the first one. */
  readonly from: number
  /** The place behind the last one. */
  readonly to: number
}

/** Makes slices. */
export type ByteSliceClass = new (bytes: Uint8Array, from: number, to: number) => ByteSlice

/**
 * Bytes where they lie in a larger array: what arrives together lies in one. To make an array of their own of them (Node has to
 * make a view, and then to look where it begins) takes as long as to check what they are.
 */
export class Slice implements ByteSlice {
  readonly bytes: Uint8Array
  readonly from: number
  readonly to: number

  constructor(bytes: Uint8Array, from: number, to: number) {
    this.bytes = bytes
    this.from = from
    this.to = to
  }

  get length(): number {
    return this.to - this.from
  }

  /** Those from `at` on, as an array of their own: a view, no copy. */
  own(at = 0): Uint8Array {
    return this.bytes.subarray(this.from + at, this.to)
  }
}

/** All of these bytes. */
export function sliceOf(bytes: Uint8Array): Slice {
  return new Slice(bytes, 0, bytes.length)
}
