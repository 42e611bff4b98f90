/** A pipeline is put together in memory and written in one piece. */
export const PIPELINE_WIDTH = 256
const PIPELINE_BYTES = 4 * 1024 * 1024

/** Cuts items into pieces that are bounded in number and in bytes. A value over the limit comes alone. */
export function batches<I extends { readonly value: Uint8Array }>(items: readonly I[], limit: number): readonly I[][] {
  const all: I[][] = []
  let batch: I[] = []
  let bytes = Infinity
  for (const item of items) {
    const size = item.value.length > limit ? Infinity : item.value.length
    if (batch.length === PIPELINE_WIDTH || bytes + size > PIPELINE_BYTES) {
      all.push((batch = []))
      bytes = 0
    }
    batch.push(item)
    bytes += size
  }
  return all
}

/** Cuts items into pieces that are bounded in number. */
export function pieces<T>(items: readonly T[], width: number = PIPELINE_WIDTH): T[][] {
  return Array.from({ length: Math.ceil(items.length / width) }, (_, index) =>
    items.slice(index * width, (index + 1) * width),
  )
}

/** What came of the pieces, in one list. A loop: `flat` looks for each item by the name of its place. */
export function joined<T>(lists: readonly (readonly T[])[]): T[] {
  const [first] = lists
  if (lists.length === 1 && first) return first as T[]
  const all: T[] = []
  for (const list of lists) for (const one of list) all.push(one)
  return all
}

/** The client library writes Buffers as they are, and any other array of bytes as text. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
