import type { WriteItem } from '../node/contract.ts'

// Commands as they go over the wire: https://redis.io/docs/latest/develop/reference/protocol-spec/

const SET = '*5\r\n$3\r\nSET\r\n'
const DEL = '*2\r\n$3\r\nDEL\r\n'

/** `SET key value PX ttl` for each, in one buffer. */
export function encodeSets(items: readonly WriteItem[]): Buffer {
  // What stands before each value, and after the last one.
  const texts: string[] = []
  let text = ''
  let size = 0
  for (const { key, value, ttl } of items) {
    text += `${SET}${bulk(key)}$${value.length}\r\n`
    texts.push(text)
    size += Buffer.byteLength(text) + value.length
    text = `\r\n$2\r\nPX\r\n${bulk(`${ttl}`)}`
  }
  const buffer = Buffer.allocUnsafe(size + text.length)
  let at = 0
  for (let i = 0; i < items.length; i++) {
    const { value } = items[i] as WriteItem
    at += buffer.write(texts[i] as string, at)
    buffer.set(value, at)
    at += value.length
  }
  buffer.write(text, at, 'latin1')
  return buffer
}

/** `DEL key` for each, in one buffer. */
export function encodeDels(keys: readonly string[]): Buffer {
  let text = ''
  for (const key of keys) text += DEL + bulk(key)
  return Buffer.from(text)
}

/** `GET key`, or `MGET key …`, in one buffer. */
export function encodeGets(keys: readonly string[]): Buffer {
  let text = keys.length === 1 ? '*2\r\n$3\r\nGET\r\n' : `*${keys.length + 1}\r\n$4\r\nMGET\r\n`
  for (const key of keys) text += bulk(key)
  return Buffer.from(text)
}

/** A text with its length in front. */
function bulk(text: string): string {
  return `$${Buffer.byteLength(text)}\r\n${text}\r\n`
}
