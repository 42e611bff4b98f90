import { OPCODE, ProtocolFault, STATUS, type Command, type Reply } from './protocol.ts'

/** How many bytes of flags come with each value. */
const FLAGS = 4

/** What a server may answer to anything that reads or writes. */
const REFUSALS: readonly number[] = [
  STATUS.invalid,
  STATUS.unknownCommand,
  STATUS.outOfMemory,
  STATUS.notSupported,
  STATUS.internal,
  STATUS.busy,
  STATUS.temporary,
]

/** What else it may answer to each command, beside success. */
const ANSWERS: Readonly<Record<number, readonly number[]>> = {
  [OPCODE.get]: [STATUS.absent, ...REFUSALS],
  [OPCODE.set]: [STATUS.tooLarge, STATUS.notStored, ...REFUSALS],
  [OPCODE.delete]: [STATUS.absent, ...REFUSALS],
  [OPCODE.stat]: [STATUS.absent, ...REFUSALS],
  [OPCODE.noop]: [],
}

/**
 * Checks that a reply can be the one to a command: its number, its command, a status that the command can have, and the
 * parts that go with that status.
 *
 * @param opaque the number that the command was sent with
 * @throws ProtocolFault
 */
export function checkReply(reply: Reply, command: Command, opaque: number): void {
  if (reply.opaque !== opaque) throw new ProtocolFault('a reply to something else came')
  if (reply.opcode !== command.opcode) throw new ProtocolFault('a reply to another command came')
  if (!mayAnswer(reply.status, command)) throw new ProtocolFault('a reply has a status that its command cannot have')
  if (!isShaped(reply, command)) throw new ProtocolFault('a reply has parts that its command cannot have')
  const names = command.opcode === OPCODE.get && (reply.status === STATUS.ok || reply.keyLength > 0)
  if (names && reply.key !== command.key) throw new ProtocolFault('a reply for another key came')
}

function mayAnswer(status: number, { opcode, cas }: Command): boolean {
  if (status === STATUS.ok || status === STATUS.noLogin) return true
  if (status === STATUS.exists) return opcode === OPCODE.delete && cas !== undefined
  return ANSWERS[opcode]?.includes(status) ?? false
}

function isShaped({ status, extrasLength, keyLength, valueLength }: Reply, { opcode }: Command): boolean {
  const bare = extrasLength === 0 && keyLength === 0
  // A refusal explains itself in words.
  if (status !== STATUS.ok) return bare || (opcode === OPCODE.get && extrasLength === 0)
  if (opcode === OPCODE.get) return extrasLength === FLAGS
  if (opcode === OPCODE.stat && keyLength > 0) return extrasLength === 0
  return bare && valueLength === 0
}
