import { MAX_OPAQUE, OPCODE } from '../../../src/memcached/protocol.ts'
import { below, type Random } from '../random.ts'
import type { Way } from './replies-cases.ts'

const HEADER = 24
const FLAGS = 4

/** The reply to a GET, byte by byte as a server gives it. */
export function encodeReply(way: Way, key: string, value: Uint8Array, random: Random): Buffer {
  if (way !== 'memcached') return Buffer.concat([Buffer.from(`$${value.length}\r\n`), value, Buffer.from('\r\n')])
  const frame = Buffer.alloc(HEADER + FLAGS)
  frame.writeUInt8(0x81, 0)
  frame.writeUInt8(OPCODE.get, 1)
  frame.writeUInt16BE(key.length, 2)
  frame.writeUInt8(FLAGS, 4)
  frame.writeUInt32BE(FLAGS + key.length + value.length, 8)
  // One of the first that a connection counts: now and then it is the one that is waited for.
  frame.writeUInt32BE(MAX_OPAQUE - 500 + below(random, 30), 12)
  frame.writeBigUInt64BE(1n, 16)
  return Buffer.concat([frame, Buffer.from(key), value])
}
