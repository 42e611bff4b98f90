import type { WriteItem } from '../node/contract.ts'

// Commands as they go over the wire: https://redis.io/docs/latest/develop/reference/protocol-spec/

const SET = '*5\r\n$3\r\nSET\r\n$'
const DEL = '*2\r\n$3\r\nDEL\r\n$'

/** `SET key value PX ttl` for each, in one buffer. */
export function encodeSets(items: readonly WriteItem[]): Buffer {
  const heads: string[] = []
  const tails: string[] = []
  let size = 0
  for (const { key, value, ttl } of items) {
    const bytes = Buffer.byteLength(key)
    const head = `${SET}${bytes}\r\n${key}\r\n$${value.length}\r\n`
    const time = `${ttl}`
    const tail = `\r\n$2\r\nPX\r\n$${time.length}\r\n${time}\r\n`
    heads.push(head)
    tails.push(tail)
    size += head.length - key.length + bytes + value.length + tail.length
  }
  const buffer = Buffer.allocUnsafe(size)
  let at = 0
  for (let i = 0; i < items.length; i++) {
    const { value } = items[i] as WriteItem
    at += buffer.write(heads[i] as string, at)
    buffer.set(value, at)
    at += value.length
    at += buffer.write(tails[i] as string, at, 'latin1')
  }
  return buffer
}

/** `DEL key` for each, in one buffer. */
export function encodeDels(keys: readonly string[]): Buffer {
  return Buffer.from(keys.map((key) => `${DEL}${Buffer.byteLength(key)}\r\n${key}\r\n`).join(''))
}
