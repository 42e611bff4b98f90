/**
 * XXH32, written down from its specification (https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md) and sharing
 * nothing with the one in use: what both agree on is the standard's, not one implementation's.
 */
export function xxh32(input: Uint8Array, seed = 0): number {
  const P1 = 0x9e3779b1
  const P2 = 0x85ebca77
  const P3 = 0xc2b2ae3d
  const P4 = 0x27d4eb2f
  const P5 = 0x165667b1
  const rotate = (value: number, bits: number): number => (value << bits) | (value >>> (32 - bits))
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength)
  const length = input.length
  let at = 0
  let acc: number
  if (length >= 16) {
    const lanes = [seed + P1 + P2, seed + P2, seed, seed - P1].map((lane) => lane | 0) as [
      number,
      number,
      number,
      number,
    ]
    for (; at + 16 <= length; at += 16) {
      for (const [index, lane] of lanes.entries()) {
        const sum = (lane + Math.imul(view.getUint32(at + 4 * index, true), P2)) | 0
        lanes[index] = Math.imul(rotate(sum, 13), P1)
      }
    }
    acc = rotate(lanes[0], 1) + rotate(lanes[1], 7) + rotate(lanes[2], 12) + rotate(lanes[3], 18)
  } else acc = seed + P5
  acc = (acc + length) | 0
  for (; at + 4 <= length; at += 4) acc = Math.imul(rotate((acc + Math.imul(view.getUint32(at, true), P3)) | 0, 17), P4)
  for (; at < length; at++) acc = Math.imul(rotate((acc + Math.imul(view.getUint8(at), P5)) | 0, 11), P1)
  acc = Math.imul(acc ^ (acc >>> 15), P2)
  acc = Math.imul(acc ^ (acc >>> 13), P3)
  return (acc ^ (acc >>> 16)) >>> 0
}
