import fc from 'fast-check'
import { expect, it } from 'vitest'
import { encodeCommands, encodeDels, encodeGet, encodeGets, encodeSets } from '../../src/redis/encode.ts'

const settings = { seed: 20260601, numRuns: 300 }
const key = fc.string({
  minLength: 1,
  maxLength: 30,
  unit: fc.constantFrom('a', 'Z', ':', '{', 'é', '€', '🔑', '\r', '\n'),
})
const ascii = fc.string({ minLength: 1, maxLength: 30, unit: fc.constantFrom('a', 'Z', ':', '{', '\r', '\n') })
// Values of up to 512 bytes are written in another way than longer ones.
const length = fc.oneof(fc.nat(300), fc.integer({ min: 510, max: 514 }))
const value = length.map((bytes) => new Uint8Array(bytes).map((_, i) => (i * 31 + bytes) & 0xff))
const item = fc.record({ key: fc.oneof(ascii, key), value, ttl: fc.integer({ min: 1, max: 2 ** 40 }) })
const asciiItem = fc.record({
  key: ascii,
  value: value.filter(({ length: bytes }) => bytes <= 512),
  ttl: fc.constantFrom(1, 5000),
})
const items = fc.oneof(
  fc.array(item, { minLength: 1, maxLength: 20 }),
  fc.array(asciiItem, { minLength: 1, maxLength: 20 }),
)

const argument = fc.oneof(key, fc.uint8Array({ maxLength: 300 }).map(Buffer.from), fc.integer())

/** A command as the protocol has it: an array of bulk strings. */
function command(...parts: readonly (string | Uint8Array)[]): Buffer {
  const bytes = parts.map((part) => Buffer.from(part as Uint8Array))
  const pieces = bytes.flatMap((part) => [Buffer.from(`$${part.length}\r\n`), part, Buffer.from('\r\n')])
  return Buffer.concat([Buffer.from(`*${parts.length}\r\n`), ...pieces])
}

it('commands are encoded as the protocol has them', () => {
  fc.assert(
    fc.property(items, (some) => {
      const keys = some.map((one) => one.key)
      const sets = some.map((each) => command('SET', each.key, each.value, 'PX', `${each.ttl}`))
      expect(encodeSets(some)).toEqual(Buffer.concat(sets))
      expect(encodeDels(keys)).toEqual(Buffer.concat(keys.map((name) => command('DEL', name))))
      expect(encodeGets(keys)).toEqual(command('MGET', ...keys))
      for (const key of keys) expect(Buffer.from(encodeGet(key))).toEqual(command('GET', key))
    }),
    settings,
  )
})

it('commands of any arguments are, too: bytes, texts and numbers, in any order', () => {
  const any = fc.record({ name: fc.constantFrom('set', 'evalsha'), args: fc.array(argument, { maxLength: 8 }) })
  fc.assert(
    fc.property(fc.array(any, { minLength: 1, maxLength: 20 }), (commands) => {
      const expected = commands.map(({ name, args }) =>
        command(name, ...args.map((each) => (typeof each === 'number' ? `${each}` : each))),
      )
      expect(encodeCommands(commands)).toEqual(Buffer.concat(expected))
    }),
    settings,
  )
})
