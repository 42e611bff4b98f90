import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { isCommandRefused, redisWord, toNodeError } from '../../src/redis/errors.ts'

const PEER = { address: 'h:1', user: 'cache' }

function reply(message: string): Error {
  return Object.assign(new Error(message), { name: 'ReplyError', command: { name: 'set', args: ['k', 'CANARY'] } })
}

describe('what the client library rejects with', () => {
  it.each([
    ['WRONGPASS invalid username-password pair or user is disabled.', 'ERR_AUTH', 'h:1 refused the user "cache"'],
    ['NOAUTH Authentication required.', 'ERR_AUTH', 'h:1 asks for a password'],
    ['ERR invalid password', 'ERR_AUTH', 'h:1 refused the user "cache"'],
    ['DENIED Redis is running in protected mode because …', 'ERR_AUTH', 'h:1 is in protected mode'],
    ['ERR max number of clients reached', 'ERR_NODE_DOWN', 'h:1 is full'],
    ['LOADING Redis is loading the dataset in memory', 'ERR_NODE_UNREADY', 'h:1 cannot serve now: LOADING Redis is'],
    ['MASTERDOWN Link with MASTER is down', 'ERR_NODE_UNREADY', 'h:1 cannot serve now: MASTERDOWN'],
    ['BUSY Redis is busy running a script.\r\nCANARY', 'ERR_NODE_UNREADY', 'h:1 cannot serve now: BUSY Redis is'],
    ['BUSYGROUP Consumer Group name already exists', 'ERR_NODE', 'h:1 answered BUSYGROUP'],
    ["READONLY You can't write against a read only replica.", 'ERR_NODE', 'h:1 answered READONLY'],
    ['MISCONF Redis is configured to save RDB snapshots', 'ERR_NODE', 'h:1 answered MISCONF'],
    ['MOVED 3999 10.0.0.1:6381', 'ERR_NODE', 'h:1 belongs to a Redis Cluster'],
    ["NOPERM User cache has no permissions to run the 'mget' command", 'ERR_NODE', "run the 'mget' command"],
    ["NOPERM No permissions to access the 'CANARY' key", 'ERR_NODE', 'No permissions to access a key'],
    ["ERR unknown command 'SET', with args beginning with: 'k' 'CANARY' ", 'ERR_NODE', "unknown command 'SET'"],
    ['ERR unknown command `SET`, with args beginning with: `k`, `CANARY`, ', 'ERR_NODE', 'unknown command `SET`'],
    ['ERR one line\r\nCANARY', 'ERR_NODE', 'ERR one line'],
  ])('%j becomes %s', (message, code, words) => {
    const error = toNodeError(reply(message), PEER)
    expect(error).toMatchObject({ name: 'NodeError', code, message: expect.stringContaining(words) })
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('CANARY')
  })

  it.each<[unknown, string, string]>([
    [
      Object.assign(new Error('connect ECONNREFUSED CANARY'), { code: 'ECONNREFUSED' }),
      'ERR_NODE_DOWN',
      'ECONNREFUSED',
    ],
    [new AggregateError([new Error('CANARY')]), 'ERR_NODE_DOWN', 'there is no connection'],
    [new Error('Connection is closed.'), 'ERR_NODE_DOWN', 'there is no connection'],
    [new Error("Stream isn't writeable and enableOfflineQueue options is false"), 'ERR_NODE_DOWN', 'no connection'],
    [new Error("Socket timeout. Expecting data, but didn't receive any in 3ms."), 'ERR_NODE_DOWN', 'in time'],
    [new Error('Protocol error, got "C" as reply type byte. CANARY'), 'ERR_NODE_DOWN', 'does not speak'],
    [new Error('Unknown RESP type 67 "C". CANARY'), 'ERR_NODE_DOWN', 'does not speak'],
    [new Error('Command queue state error. Last reply: CANARY'), 'ERR_NODE_DOWN', 'there is no connection'],
    [new Error('Command timed out'), 'ERR_NODE_TIMEOUT', 'commandTimeout'],
    [new Error('Connection in subscriber mode, only subscriber commands may be used'), 'ERR_NODE', 'subscribed'],
    ['CANARY', 'ERR_NODE_DOWN', 'there is no connection'],
    [undefined, 'ERR_NODE_DOWN', 'there is no connection'],
  ])('%o becomes %s', (raw, code, words) => {
    const error = toNodeError(raw, PEER)
    expect(error).toMatchObject({ name: 'NodeError', code, message: expect.stringContaining(words) })
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('CANARY')
  })

  it('is told apart by its first word', () => {
    expect(redisWord(reply('WRONGTYPE Operation'))).toBe('WRONGTYPE')
    expect(redisWord(reply('my own words'))).toBe('ERR')
    expect(redisWord(new Error('WRONGTYPE Operation'))).toBe('')
    expect(isCommandRefused(reply("NOPERM this user has no permissions to run the 'mget' command"))).toBe(true)
    expect(isCommandRefused(reply('NOPERM this user has no permissions to access one of the keys'))).toBe(false)
  })
})
