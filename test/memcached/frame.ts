import { Replies, type Reply } from '../../src/memcached/protocol.ts'

/** The parts of a reply. */
export interface Frame {
  opcode: number
  status: number
  opaque: number
  cas: bigint
  extras: Buffer
  key: Buffer
  value: Buffer
}

/** A reply as it comes. */
export function bytesOf({ opcode, status, opaque, cas, extras, key, value }: Frame): Buffer {
  const head = Buffer.alloc(24)
  head.writeUInt8(0x81, 0)
  head.writeUInt8(opcode, 1)
  head.writeUInt16BE(key.length, 2)
  head.writeUInt8(extras.length, 4)
  head.writeUInt16BE(status, 6)
  head.writeUInt32BE(extras.length + key.length + value.length, 8)
  head.writeUInt32BE(opaque, 12)
  head.writeBigUInt64BE(cas, 16)
  return Buffer.concat([head, extras, key, value])
}

/** What is made of it. */
export function replyOf(frame: Frame): Reply {
  return new Replies().push(bytesOf(frame))[0] as Reply
}

/** The parts of what was made. */
export function frameOf({ opcode, status, opaque, cas, extrasLength, keyLength, key, value }: Reply): object {
  return { opcode, status, opaque, cas, extrasLength, keyLength, key, value }
}
