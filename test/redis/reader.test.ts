import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import type { CommandQueue, QueuedCommand } from '../../src/redis/inside.ts'
import { ReplyReader } from '../../src/redis/reader.ts'
import { UNFIT, type FitOneOf } from '../../src/redis/replies.ts'
import { Row, type RowShape } from '../../src/redis/row.ts'

type Shape = RowShape<unknown>['replies']

/** One command, what is answered to it, and what is to come of it. */
interface Exchange {
  readonly replies: Shape | 'theirs'
  /** How many keys it has. */
  readonly width: number
  readonly bytes: string
  readonly expected: unknown
}

/** Takes whatever is of a kind that some command answers. */
const fitAny: FitOneOf<unknown> = (reply) =>
  reply instanceof Uint8Array ? Buffer.from(reply).toString('latin1') : reply === null ? 'nothing' : reply

class Server implements CommandQueue {
  readonly told: unknown[] = []
  broken = 0
  readonly reader: ReplyReader
  readonly #waiting: QueuedCommand[] = []

  constructor() {
    this.reader = new ReplyReader(
      this,
      (reply) => {
        this.#waiting.shift()
        this.told.push(['theirs', reply.toString('latin1')])
      },
      () => this.broken++,
    )
  }

  peekFront(): QueuedCommand | undefined {
    return this.#waiting[0]
  }

  shift(): unknown {
    return this.#waiting.shift()
  }

  ask(replies: Shape | 'theirs', width: number, fit = fitAny): void {
    const keys = Array.from({ length: width }, (_, i) => `k${i}`)
    const row = (shape: Shape): Row =>
      new Row(
        { name: 'any', keys, replies: shape, fit },
        {
          came: (came) => this.told.push(outcome(came.replies, came.errors)),
          refused: (error) => this.told.push(['refused', error.name, error.message]),
        },
      )
    this.#waiting.push({ command: replies === 'theirs' ? {} : row(replies) })
  }

  /** Has the bytes arrive in pieces of these lengths, again and again. */
  send(bytes: string, cuts: readonly number[] = []): void {
    const all = Buffer.from(bytes, 'latin1')
    let from = 0
    for (let i = 0; from < all.length; i++) {
      const to = cuts.length > 0 ? from + (cuts[i % cuts.length] as number) : all.length
      this.reader.take(all.subarray(from, to))
      from = to
    }
  }
}

function outcome(replies: readonly unknown[], errors: ReadonlyMap<number, Error> | undefined): unknown {
  return replies.map((reply, at) => errors?.get(at)?.message ?? reply)
}

const value = fc.oneof(
  fc.string({ unit: fc.constantFrom('a', '\r', '\n', '$', '*', '-', '5', ' '), maxLength: 40 }),
  fc.string({ unit: fc.constantFrom('x', '\r\n'), minLength: 500, maxLength: 700 }),
)
const bulk = value.map((text) => ({ bytes: `$${text.length}\r\n${text}\r\n`, expected: text as unknown }))
const nothing = fc.constant({ bytes: '$-1\r\n', expected: 'nothing' as unknown })
const error = fc.constantFrom('ERR no', 'OOM command not allowed', '').map((text) => ({ text, bytes: `-${text}\r\n` }))
const single = fc.oneof(
  bulk,
  nothing,
  fc.nat(100_000).map((n) => ({ bytes: `:${n}\r\n`, expected: n as unknown })),
  fc.constantFrom('OK', 'QUEUED', '').map((text) => ({ bytes: `+${text}\r\n`, expected: text as unknown })),
)
const exchange: fc.Arbitrary<Exchange> = fc.oneof(
  fc
    .array(
      fc.oneof(
        single,
        error.map(({ text, bytes }) => ({ bytes, expected: text as unknown })),
      ),
      { minLength: 1, maxLength: 8 },
    )
    .map((some) => listOf('each', some, '')),
  single.map((one) => listOf('one', [one], '')),
  fc
    .array(fc.oneof(bulk, nothing), { minLength: 1, maxLength: 8 })
    .map((some) => listOf('list', some, `*${some.length}\r\n`)),
  fc.tuple(error, fc.constantFrom('one', 'list')).map(([{ text, bytes }, replies]) => ({
    replies: replies as Shape,
    width: replies === 'one' ? 1 : 3,
    bytes,
    expected: ['refused', 'ReplyError', text],
  })),
  fc
    .oneof(single, error)
    .map(({ bytes }) => ({ replies: 'theirs' as const, width: 0, bytes, expected: ['theirs', bytes] })),
)

function listOf(replies: Shape, some: readonly { bytes: string; expected: unknown }[], head: string): Exchange {
  const bytes = head + some.map((one) => one.bytes).join('')
  return { replies, width: some.length, bytes, expected: some.map((one) => one.expected) }
}

const cuts = fc.array(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 2_000 })), { maxLength: 6 })

describe('what arrives on a connection', () => {
  it('is told to those who asked, in their order, however it is cut', () => {
    const property = fc.property(fc.array(exchange, { maxLength: 12 }), cuts, (exchanges, lengths) => {
      const server = new Server()
      for (const { replies, width } of exchanges) server.ask(replies, width)
      server.send(exchanges.map(({ bytes }) => bytes).join(''), lengths)
      // Theirs are told while what arrived is still read, and rows when all of it has been: each kind keeps its order.
      for (const theirs of [true, false]) {
        const of = (some: readonly unknown[]): unknown[] => some.filter((one) => isTheirs(one) === theirs)
        expect(of(server.told)).toEqual(of(exchanges.map(({ expected }) => expected)))
      }
      expect([server.broken, server.peekFront()]).toEqual([0, undefined])
    })
    fc.assert(property, { seed: 20261122, numRuns: 2_000 })
  })

  it('is told to nobody from where a byte is another one, unless it is then a reply as good', () => {
    const property = fc.property(
      fc.array(exchange, { minLength: 1, maxLength: 6 }),
      fc.nat(),
      fc.nat(255),
      cuts,
      (exchanges, where, byte, lengths) => {
        const server = new Server()
        for (const { replies, width } of exchanges) server.ask(replies, width)
        const bytes = exchanges.map((one) => one.bytes).join('')
        const at = where % bytes.length
        server.send(bytes.slice(0, at) + String.fromCharCode(byte) + bytes.slice(at + 1), lengths)
        expect(server.broken).toBeLessThanOrEqual(1)
        expect(server.told.length).toBeLessThanOrEqual(exchanges.length)
        const told = server.told.length
        if (server.broken === 0) return
        server.ask('one', 1)
        server.send('$1\r\nx\r\n')
        expect([server.told.length, server.broken]).toEqual([told, 1])
      },
    )
    fc.assert(property, { seed: 20261122, numRuns: 2_000 })
  })

  it.each<[string, Shape | 'theirs' | 'nobody', string]>([
    ['that nobody waits for', 'nobody', '+OK\r\n'],
    ['that nobody waits for, of which little is there', 'nobody', '$'],
    ['that is another type’s', 'each', '*2\r\n$1\r\na\r\n$1\r\nb\r\n'],
    ['that is no list, where one is to come', 'list', '$1\r\na\r\n'],
    ['that is a list of fewer', 'list', '*1\r\n$1\r\na\r\n'],
    ['that is a list of more', 'list', '*3\r\n$1\r\na\r\n'],
    ['that is no list at all', 'list', '*-1\r\n'],
    ['that is a list with an error in it', 'list', '*2\r\n$1\r\na\r\n-ERR no\r\n'],
    ['that is a list with a list in it', 'list', '*2\r\n*1\r\n'],
    ['of a type that there is not', 'one', '!3\r\nabc\r\n'],
    ['of a later version of the protocol', 'one', '_\r\n'],
    ['that is longer than it says', 'one', '$1\r\nab\r\n'],
    ['whose length is no number', 'one', '$x\r\n'],
    ['whose length is none', 'one', '$\r\n'],
    ['whose length is below none', 'one', '$-2\r\n'],
    ['whose length ends otherwise', 'one', '$1\n\na\r\n'],
    ['of a length that no value has', 'one', '$99999999999'],
    ['that is a line without an end', 'one', `+${'x'.repeat(70_000)}`],
    ['that is an error without an end', 'each', `-${'x'.repeat(70_000)}`],
    ['whose line ends in the middle', 'one', '+O\rK\r\n'],
  ])('and is a reply %s, ends the connection at once, and with all that came with it', (_, replies, bytes) => {
    const server = new Server()
    server.ask('one', 1)
    if (replies !== 'nobody') server.ask(replies, replies === 'one' ? 1 : 2)
    server.send(`$4\r\ngood\r\n${bytes}`)
    expect([server.told, server.broken]).toEqual([[], 1])
  })

  it('and does not fit its command, does the same', () => {
    const server = new Server()
    server.ask('one', 1)
    server.ask('each', 2, (reply) => (reply === 'OK' ? reply : UNFIT))
    server.send('$4\r\ngood\r\n+OK\r\n:1\r\n')
    expect([server.told, server.broken]).toEqual([[], 1])
  })

  it.each(['HTTP/1.1 400 Bad Request\r\n', '*1\r\n:1\r\n', '_\r\n'])(
    'and cannot be read (%j), is left to the client library, if it is the reply to a command of its own',
    (bytes) => {
      const server = new Server()
      server.ask('theirs', 0)
      server.send(bytes)
      expect([server.told, server.broken]).toEqual([[['theirs', bytes]], 0])
    },
  )

  it('is not copied more than once for a large value in many pieces', () => {
    const server = new Server()
    server.ask('one', 1)
    const text = 'x'.repeat(1024 * 1024)
    const concat = vi.spyOn(Buffer, 'concat')
    server.send(`$${text.length}\r\n${text}\r\n`, [64 * 1024])
    const copied = concat.mock.calls.reduce((sum, [, length]) => sum + (length as number), 0)
    concat.mockRestore()
    expect(copied).toBeLessThan(text.length + 1_000)
    expect(server.told).toEqual([[text]])
  })
})

describe('a row', () => {
  it('is told to who puts functions of his own in the place of its two, as instrumentations do', () => {
    const server = new Server()
    const seen: string[] = []
    for (const bytes of ['$1\r\na\r\n', '-ERR no\r\n']) {
      server.ask('one', 1)
      const row = server.peekFront()?.command as Row
      const { resolve, reject } = row
      row.resolve = (reply) => {
        seen.push('resolved')
        resolve(reply)
      }
      row.reject = (failure) => {
        seen.push('rejected')
        reject(failure)
      }
      server.send(bytes)
    }
    expect([seen, server.told]).toEqual([
      ['resolved', 'rejected'],
      [['a'], ['refused', 'ReplyError', 'ERR no']],
    ])
  })

  it('is told although what was put in the place of the one before it throws', async () => {
    const server = new Server()
    const thrown: unknown[] = []
    server.ask('one', 1)
    const row = server.peekFront()?.command as Row
    row.resolve = () => {
      throw new Error('of an instrumentation')
    }
    server.ask('one', 1)
    const others = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    process.once('uncaughtException', (error) => thrown.push(error.message))
    server.send('$1\r\na\r\n$1\r\nb\r\n')
    expect(server.told).toEqual([['b']])
    await new Promise((resolve) => setImmediate(resolve))
    for (const other of others) process.on('uncaughtException', other)
    expect(thrown).toEqual(['of an instrumentation'])
  })

  it('keeps what was answered before its connection ended, where each command is for itself', async () => {
    const gone = new Error('gone')
    for (const [replies, expected] of [
      ['each', ['a', 'gone', 'gone']],
      ['list', ['refused', 'Error', 'gone']],
    ] as const) {
      const server = new Server()
      server.ask(replies, 3)
      server.send(replies === 'list' ? '*3\r\n$1\r\na\r\n' : '$1\r\na\r\n')
      const row = server.peekFront()?.command as Row
      row.reject(gone)
      expect(server.told).toEqual([])
      await new Promise((resolve) => setImmediate(resolve))
      expect(server.told).toEqual([expected])
    }
  })
})

function isTheirs(told: unknown): boolean {
  return Array.isArray(told) && told[0] === 'theirs'
}
