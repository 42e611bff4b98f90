import { describe, expect, it } from 'vitest'
import { Part, startOf, viewOf } from '../../src/base/view.ts'

const whole = new ArrayBuffer(64)
const view = new DataView(whole)
const all = Buffer.from(whole)
for (let i = 0; i < 64; i++) all[i] = i

describe('a part of a buffer', () => {
  const part = new Part(whole, view, 10, 4)

  it('knows where it lies, as bytes do that have to be asked', () => {
    for (const bytes of [part, all.subarray(10, 14)]) {
      expect([viewOf(bytes).getUint8(startOf(bytes)), startOf(bytes), bytes.length]).toEqual([10, 10, 4])
    }
  })

  it('is a Buffer to everybody else, and so is what is made of it', () => {
    expect(Buffer.isBuffer(part)).toBe(true)
    const buffer = part as unknown as Buffer
    expect([buffer.toString('hex'), buffer.readUInt16BE(1), buffer.equals(all.subarray(10, 14))]).toEqual(['0a0b0c0d', 0x0b0c, true]) // prettier-ignore
    expect(String(Object.prototype.toString.call(part))).toBe('[object Uint8Array]')
    for (const made of [
      buffer.subarray(1),
      buffer.slice(1),
      Uint8Array.prototype.slice.call(part, 1),
      part.map((byte) => byte).subarray(1),
      Buffer.from(part).subarray(1),
      structuredClone(part).subarray(1),
    ]) {
      // prettier-ignore
      expect(made).not.toBeInstanceOf(Part)
      expect([...made]).toEqual([11, 12, 13])
    }
    expect(buffer.subarray(1).byteOffset).toBe(11)
  })
})
