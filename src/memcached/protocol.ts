/**
 * Memcached's binary protocol: commands ⇄ bytes, without any I/O.
 *
 * A frame is a 24-byte header (magic, opcode, key length, extras length, data type, status, body length, opaque, CAS),
 * then the body: extras, key, value. A reply repeats the opaque number of its command.
 */

/** What a server can be asked. `get` is GETK, whose reply names the key: a reply misfiled on the way is found out. */
export const OPCODE = {
  set: 0x01,
  delete: 0x04,
  noop: 0x0a,
  get: 0x0c,
  stat: 0x10,
  mechanisms: 0x20,
  login: 0x21,
} as const

/** What a server can answer. */
export const STATUS = {
  ok: 0,
  absent: 1,
  /** The item is no longer the one with that CAS number. */
  exists: 2,
  tooLarge: 3,
  invalid: 4,
  notStored: 5,
  noLogin: 0x20,
  unknownCommand: 0x81,
  outOfMemory: 0x82,
  notSupported: 0x83,
  internal: 0x84,
  busy: 0x85,
  temporary: 0x86,
} as const

/** The opaque number after which counting starts again from zero. memjs and others fail beyond 31 bits. */
export const MAX_OPAQUE = 0x7fffffff

const HEADER = 24
const REQUEST = 0x80
const RESPONSE = 0x81
/** Beyond the largest item that memcached can be told to hold (1 GiB): a length like this is garbage. */
const MAX_BODY = 0x40000000 + 0x10000

/** One command, as it is sent. */
export interface Command {
  readonly opcode: number
  readonly key: string
  /** Of a `set`. */
  readonly value?: Uint8Array
  /** Of a `set`: the expiration field. */
  readonly expires?: number
  /** Of a `delete`: only if the item still has this CAS number. */
  readonly cas?: bigint
}

/** One reply, as it came, where it came: of most, nothing but the value is cut out. */
export class Reply {
  readonly opcode: number
  readonly status: number
  readonly opaque: number
  readonly extrasLength: number
  readonly keyLength: number
  readonly valueLength: number
  readonly #bytes: Buffer
  readonly #at: number

  /** @param body how long it is, behind its header */
  constructor(bytes: Buffer, at: number, body: number) {
    this.#bytes = bytes
    this.#at = at
    this.opcode = bytes[at + 1] as number
    this.status = wordAt(bytes, at + 6)
    this.opaque = longAt(bytes, at + 12)
    this.extrasLength = bytes[at + 4] as number
    this.keyLength = wordAt(bytes, at + 2)
    this.valueLength = body - this.extrasLength - this.keyLength
  }

  /** Changes with every write to the item; 0 from a server that was told to count none (`-C`). */
  get cas(): bigint {
    return this.#bytes.readBigUInt64BE(this.#at + 16)
  }

  get key(): string {
    const from = this.#at + HEADER + this.extrasLength
    return this.#bytes.toString('utf8', from, from + this.keyLength)
  }

  get value(): Buffer {
    const from = this.#at + HEADER + this.extrasLength + this.keyLength
    return this.#bytes.subarray(from, from + this.valueLength)
  }
}

/** What arrived is not memcached's binary protocol, or not what was asked. No byte after it can be trusted. */
export class ProtocolFault extends Error {}

/** Commands as one buffer, numbered from `opaque` upwards; see {@link nextOpaque}. */
export function encode(commands: readonly Command[], opaque: number): Buffer {
  let size = 0
  for (const { key, value } of commands) size += HEADER + Buffer.byteLength(key) + (value ? 8 + value.length : 0)
  const bytes = Buffer.allocUnsafe(size)
  let at = 0
  let number = opaque
  for (const { opcode, key, value, expires, cas } of commands) {
    const keyLength = Buffer.byteLength(key)
    const extras = value ? 8 : 0
    bytes[at] = REQUEST
    bytes[at + 1] = opcode
    putWord(bytes, at + 2, keyLength)
    bytes[at + 4] = extras
    bytes[at + 5] = 0
    putWord(bytes, at + 6, 0)
    putLong(bytes, at + 8, extras + keyLength + (value?.length ?? 0))
    putLong(bytes, at + 12, number)
    if (cas === undefined) {
      putLong(bytes, at + 16, 0)
      putLong(bytes, at + 20, 0)
    } else bytes.writeBigUInt64BE(cas, at + 16)
    at += HEADER
    if (value) {
      putLong(bytes, at, 0)
      putLong(bytes, at + 4, expires ?? 0)
      at += extras
    }
    at += bytes.write(key, at, 'utf8')
    if (value) {
      bytes.set(value, at)
      at += value.length
    }
    number = nextOpaque(number)
  }
  return bytes
}

/** The opaque number that follows another one. */
export function nextOpaque(opaque: number): number {
  return opaque === MAX_OPAQUE ? 0 : opaque + 1
}

/** Cuts a stream of bytes into replies, however it was cut on the way. */
export class Replies {
  #chunks: Buffer[] = []
  #length = 0
  /** How many bytes must be there before there is anything to look at. */
  #needed = HEADER

  /** Whether there are bytes that make no whole reply yet. */
  get partial(): boolean {
    return this.#length > 0
  }

  /**
   * Takes what arrived and gives the replies that are now complete. A fault voids all that came in the same piece.
   *
   * @throws ProtocolFault
   */
  push(chunk: Buffer): Reply[] {
    const length = this.#length + chunk.length
    if (length < this.#needed) {
      this.#chunks.push(chunk)
      this.#length = length
      return []
    }
    const bytes = this.#length === 0 ? chunk : Buffer.concat([...this.#chunks, chunk], length)
    const replies: Reply[] = []
    let at = 0
    this.#needed = HEADER
    while (length - at >= HEADER) {
      const body = bodyLength(bytes, at)
      if (length - at < HEADER + body) {
        this.#needed = HEADER + body
        break
      }
      replies.push(new Reply(bytes, at, body))
      at += HEADER + body
    }
    this.#length = length - at
    this.#chunks = at === length ? [] : [bytes.subarray(at)]
    return replies
  }
}

function bodyLength(bytes: Buffer, at: number): number {
  const length = longAt(bytes, at + 8)
  if (bytes[at] !== RESPONSE) throw new ProtocolFault('a reply has the wrong first byte')
  if (bytes[at + 5] !== 0) throw new ProtocolFault('a reply has an unknown data type')
  if (length > MAX_BODY) throw new ProtocolFault('a reply claims an impossible length')
  if (wordAt(bytes, at + 2) + (bytes[at + 4] as number) > length) {
    throw new ProtocolFault('the lengths of a reply contradict')
  }
  return length
}

// Node's own methods look at each place that they are given, and are not built in where they are called.
function wordAt(bytes: Buffer, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number)
}

function longAt(bytes: Buffer, at: number): number {
  return wordAt(bytes, at) * 0x10000 + wordAt(bytes, at + 2)
}

function putWord(bytes: Buffer, at: number, word: number): void {
  bytes[at] = word >>> 8
  bytes[at + 1] = word
}

function putLong(bytes: Buffer, at: number, long: number): void {
  putWord(bytes, at, long >>> 16)
  putWord(bytes, at + 2, long)
}
