import { NodeError } from '../base/errors.ts'

/** Whom an error is about. */
export interface Peer {
  readonly address: string
  /** The user that logs in; `undefined` where Redis' default user does. */
  readonly user: string | undefined
}

/**
 * The first word of an error that Redis answered, such as `WRONGTYPE`; an empty string for any other error. Servers before 7
 * put words of their own before what a script ran into.
 */
export function redisWord(error: unknown): string {
  if (!isReply(error)) return ''
  const inner = /^ERR Error running script .*: -?([A-Z]{2,}) /.exec(error.message)?.[1]
  return inner ?? /^[A-Z]+(?=\s|$)/.exec(error.message)?.[0] ?? 'ERR'
}

/** Whether Redis has not this command, or not for this user. */
export function isCommandRefused(error: unknown): boolean {
  if (!isReply(error)) return false
  return /^NOPERM\b.* run the /.test(error.message) || /^ERR unknown command/i.test(error.message)
}

/** Whether this user may not run a script, or not what stands in it. The second text is of servers before 7. */
export function isScriptRefused(error: unknown): boolean {
  if (isCommandRefused(error)) return true
  return (
    isReply(error) && /\bACL failure in script:.* run the |can't run this command or subcommand/.test(error.message)
  )
}

/** Refuses a value that a node is not to be given. */
export function tooLarge(address: string, { length }: Uint8Array): NodeError {
  return new NodeError('ERR_NODE', `${address} takes no value of ${length} bytes: see maxValueBytes`)
}

/** Whether the client library could not read what the server sent. */
export function isProtocolFault(error: unknown): boolean {
  return error instanceof Error && /^(Protocol error|Unknown RESP type)/.test(error.message)
}

/**
 * Turns whatever the client library rejected with into an error of ours.
 *
 * The library's own error is not kept, not even as `cause`: its `command.args` holds values, and passwords after a login.
 */
export function toNodeError(error: unknown, { address, user }: Peer): NodeError {
  if (error instanceof NodeError) return error
  if (isReply(error)) return replyError(error.message, redisWord(error), address, user)
  const message = error instanceof Error ? error.message : ''
  if (message === 'Command timed out') {
    return new NodeError('ERR_NODE_TIMEOUT', `${address} did not answer within the client's own commandTimeout`)
  }
  if (/subscriber mode|monitoring mode/.test(message)) {
    return new NodeError(
      'ERR_NODE',
      `the client of ${address} is subscribed or monitoring, and serves no other commands`,
    )
  }
  return new NodeError('ERR_NODE_DOWN', `${address} cannot be reached: ${reason(error, message)}`)
}

function replyError(message: string, word: string, address: string, user: string | undefined): NodeError {
  const text = safeText(message)
  const who = user === undefined ? 'the default user' : `the user ${JSON.stringify(user)}`
  switch (word) {
    case 'NOAUTH':
      return new NodeError('ERR_AUTH', `${address} asks for a password, and none was given for ${who}: ${text}`)
    case 'WRONGPASS':
      return new NodeError('ERR_AUTH', `${address} refused ${who}: ${text}`)
    case 'DENIED':
      return new NodeError('ERR_AUTH', `${address} is in protected mode: it has no password and refuses other hosts`)
    case 'MOVED':
      return new NodeError('ERR_NODE', `${address} belongs to a Redis Cluster, which redisNode cannot use: ${text}`)
    case 'LOADING':
    case 'BUSY':
    case 'MASTERDOWN':
      return new NodeError('ERR_NODE_UNREADY', `${address} cannot serve now: ${text}`)
  }
  if (/^ERR invalid password/i.test(message)) return new NodeError('ERR_AUTH', `${address} refused ${who}: ${text}`)
  if (/^ERR max number of clients/i.test(message)) return new NodeError('ERR_NODE_DOWN', `${address} is full: ${text}`)
  return new NodeError('ERR_NODE', `${address} answered ${text}`)
}

/** Redis' own words, without the arguments and keys that some of its messages repeat. */
function safeText(message: string): string {
  const line = message.split(/[\r\n]/, 1)[0] as string
  return line
    .replace(/,? with args beginning with.*$/, '')
    .replace(/ the '.*' (key|channel)/, ' a $1')
    .slice(0, 160)
}

function reason(error: unknown, message: string): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
  if (typeof code === 'string' && /^[A-Z][A-Z\d_]+$/.test(code)) {
    return /CERT|SIGNATURE/.test(code) ? `its certificate was refused (${code})` : code
  }
  if (message.startsWith('Socket timeout')) return 'it did not answer in time, and its client dropped the connection'
  if (isProtocolFault(error)) return "it does not speak Redis' protocol"
  return 'there is no connection'
}

// By name: the application's client may come from another copy of the library.
function isReply(error: unknown): error is Error {
  return error instanceof Error && error.name === 'ReplyError'
}
