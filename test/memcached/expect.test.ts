import { describe, expect, it } from 'vitest'
import { checkReply } from '../../src/memcached/expect.ts'
import { OPCODE, ProtocolFault, STATUS, type Command, type Reply } from '../../src/memcached/protocol.ts'
import { replyOf, type Frame } from './frame.ts'

const none = Buffer.alloc(0)
const words = Buffer.from('Too large.')
const flags = Buffer.alloc(4)
const key = Buffer.from('k')
const get: Command = { opcode: OPCODE.get, key: 'k' }
const set: Command = { opcode: OPCODE.set, key: 'k', value: key, expires: 2 }
const remove: Command = { opcode: OPCODE.delete, key: 'k' }
const removeIf: Command = { ...remove, cas: 9n }
const noop: Command = { opcode: OPCODE.noop, key: '' }
const stat: Command = { opcode: OPCODE.stat, key: '' }

function reply(to: Command, parts: Partial<Frame> = {}): Reply {
  return replyOf({ opcode: to.opcode, status: 0, opaque: 7, cas: 0n, extras: none, key: none, value: none, ...parts })
}

const named = { extras: flags, key }
const refusals: number[] = [
  STATUS.invalid,
  STATUS.unknownCommand,
  STATUS.outOfMemory,
  STATUS.notSupported,
  STATUS.internal,
]
refusals.push(STATUS.busy, STATUS.temporary)

describe('what can be the reply to a command', () => {
  it.each<[string, Command, Partial<Frame>]>([
    ['a value', get, { ...named, value: words }],
    ['an empty value', get, named],
    ['a miss with its key', get, { status: STATUS.absent, key }],
    ['a miss without it', get, { status: STATUS.absent, value: words }],
    ['a set', set, { cas: 3n }],
    ['a set too large', set, { status: STATUS.tooLarge, value: words }],
    ['a set not stored', set, { status: STATUS.notStored, value: words }],
    ['a delete', remove, {}],
    ['a delete of nothing', remove, { status: STATUS.absent, value: words }],
    ['a delete of what has changed', removeIf, { status: STATUS.exists, value: words }],
    ['a noop', noop, {}],
    ['a statistic', stat, { key, value: words }],
    ['the end of the statistics', stat, {}],
    ['no login', get, { status: STATUS.noLogin, value: words }],
  ])('%s', (_, command, parts) => {
    expect(() => checkReply(reply(command, parts), command, 7)).not.toThrow()
  })

  it.each(refusals)('a refusal of anything but a noop with status %i', (status) => {
    for (const command of [get, set, remove, removeIf, stat]) {
      expect(() => checkReply(reply(command, { status, value: words }), command, 7)).not.toThrow()
    }
    expect(() => checkReply(reply(noop, { status, value: words }), noop, 7)).toThrow(ProtocolFault)
  })
})

describe('what cannot', () => {
  it.each<[string, Command, Partial<Frame>]>([
    ['another number', set, { opaque: 8 }],
    ['another command', set, { opcode: OPCODE.delete }],
    ['a value for another key', get, { ...named, key: Buffer.from('l') }],
    ['a miss for another key', get, { status: STATUS.absent, key: Buffer.from('l') }],
    ['a value without flags', get, { key }],
    ['a miss with flags', get, { status: STATUS.absent, ...named }],
    ['a set that found nothing', set, { status: STATUS.absent, value: words }],
    ['a set that found something', set, { status: STATUS.exists, value: words }],
    ['a set with a value', set, { value: words }],
    ['a set with extras', set, { extras: flags }],
    ['a set with a key', set, { key }],
    ['a set refused with a key', set, { status: STATUS.tooLarge, key }],
    ['a delete with a value', remove, { value: words }],
    ['a delete with extras', remove, { extras: flags }],
    ['a delete of nothing with a key', remove, { status: STATUS.absent, key }],
    ['a plain delete of what has changed', remove, { status: STATUS.exists }],
    ['a delete too large', remove, { status: STATUS.tooLarge }],
    ['a noop with a value', noop, { value: words }],
    ['a noop of nothing', noop, { status: STATUS.absent }],
    ['a statistic without a name', stat, { value: words }],
    ['a statistic with extras', stat, named],
    ['a status that does not exist', set, { status: 0x77, value: words }],
    ['a status of counters', set, { status: 6, value: words }],
  ])('%s', (_, command, parts) => {
    expect(() => checkReply(reply(command, parts), command, 7)).toThrow(ProtocolFault)
  })
})
