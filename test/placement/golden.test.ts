import { describe, expect, it } from 'vitest'
import { loadHash } from '../../src/base/hash.ts'
import { ring, type Ring } from '../../src/placement/ring.ts'
import { xxh32 } from './xxh32.ts'

// These vectors are the promise that a key stays on its node across releases and processes. A change of any of them moves
// keys in running systems, and is a major version.

const hash = await loadHash()

describe('the hash: XXH32, seed 0, of the UTF-8 bytes', () => {
  it.each([
    ['', 0x02cc5d05],
    ['a', 0x550d7456],
    ['abc', 0x32d153ff],
    ['Nobody inspects the spammish repetition', 0xe2293b2f],
    ['ключ', 0x4f28515b],
    ['🔑', 0xd228667c],
    ['x'.repeat(100), 0x4bd30d3a],
  ])('of %j', (text, expected) => {
    expect(hash.text(text)).toBe(expected)
    expect(hash.bytes(Buffer.from(text))).toBe(expected)
    expect(xxh32(Buffer.from(text))).toBe(expected)
  })

  it('takes a seed', () => {
    expect(hash.text('abc', 0x9e3779b1)).toBe(0xa1ae7709)
    expect(hash.bytes(Buffer.from('abc'), 0x9e3779b1)).toBe(0xa1ae7709)
  })

  it('is the standard’s for every length up to 300 and beyond', () => {
    for (let length = 0; length <= 300; length++) {
      const bytes = Uint8Array.from({ length }, (_, index) => (index * 131 + length) % 256)
      expect(hash.bytes(bytes, length)).toBe(xxh32(bytes, length))
    }
    const large = new Uint8Array(200_001).fill(7)
    expect(hash.bytes(large)).toBe(xxh32(large))
  })
})

const nodes = [
  { id: 'cache-a' },
  { id: 'cache-b', weight: 2 },
  { id: '10.0.0.3:6379', weight: 0.5 },
  { id: 'ключ' },
  { id: 'e', weight: 1.25 },
]
const [a, b, c, d, e] = nodes.map((node) => node.id) as [string, string, string, string, string]
const long = 'x'.repeat(300)

describe('the owners of ten keys on five nodes', () => {
  const positions: readonly [string, number][] = [
    ['user:1', 2100717921],
    ['user:2', 2600533290],
    ['user:1000', 458191883],
    ['{user:1}:cart', 2100717921],
    ['stock:7', 3368181062],
    ['a', 1426945110],
    ['ключ', 1328042331],
    ['🔑', 3525863036],
    ['session:9f8e7d6c-5b4a-3210-ffff-0123456789ab', 1557263968],
    [long, 2102150034],
  ]
  const golden: readonly [number, number, readonly string[][]][] = [
    [
      1024,
      5888,
      [
        [b, a, c, e, d],
        [e, c, a, b, d],
        [e, b, d, a, c],
        [b, a, c, e, d],
        [e, c, b, a, d],
        [a, b, e, d, c],
        [b, c, a, e, d],
        [d, b, e, a, c],
        [e, b, d, c, a],
        [c, a, b, e, d],
      ],
    ],
    [
      150,
      863,
      [
        [b, e, a, c, d],
        [c, a, e, b, d],
        [a, d, e, b, c],
        [b, e, a, c, d],
        [c, e, a, b, d],
        [e, b, a, d, c],
        [c, b, a, d, e],
        [e, b, a, c, d],
        [d, e, b, a, c],
        [e, a, b, c, d],
      ],
    ],
  ]

  it.each(golden)('with %d points per weight unit', (points, total, owners) => {
    const placement = ring(nodes, { hash, points })
    expect(placement.points).toHaveLength(total)
    for (const [index, [key, position]] of positions.entries()) {
      expect([key, placement.position(key)]).toEqual([key, position])
      expect([key, placement.locateMany(key, 5)]).toEqual([key, owners[index]])
      expect(placement.locate(key)).toBe(owners[index]?.[0])
    }
  })

  it('1,024 points are the default', () => {
    expect([...ring(nodes, { hash }).points]).toEqual([...ring(nodes, { hash, points: 1024 }).points])
  })
})

it('points are XXH32 of `${id}#${i}`, counts are max(1, round(weight × points)): the whole ring, computed the plain way', () => {
  const plain: [number, string][] = []
  for (const { id, weight = 1 } of nodes) {
    const count = Math.max(1, Math.round(weight * 150))
    for (let i = 0; i < count; i++) plain.push([xxh32(Buffer.from(`${id}#${i}`)), id])
  }
  plain.sort(([one, oneId], [other, otherId]) => one - other || (oneId < otherId ? -1 : 1))
  const built = ring(nodes, { hash, points: 150 })
  expect(all(built)).toEqual(plain)
})

it('a tiny weight still has a point', () => {
  const built = ring([{ id: 'a' }, { id: 'b', weight: 0.0001 }], { hash, points: 100 })
  expect([...built.owners].filter((owner) => built.ids[owner] === 'b')).toHaveLength(1)
})

function all(built: Ring): [number, string][] {
  return [...built.points].map((point, index) => [point, built.ids[built.owners[index] as number] as string])
}
