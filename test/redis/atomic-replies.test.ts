import { describe, expect, it } from 'vitest'
import { isScriptRefused, redisWord } from '../../src/redis/errors.ts'
import { fitOneOf, fitPlaced, fitPipeline, UNFIT, type Fit } from '../../src/redis/replies.ts'
import { EXPIRE, FILL, LEASE, RELEASE, RENEW } from '../../src/redis/scripts.ts'

const VALUE = Buffer.from('x')
const reply = (message: string): Error => Object.assign(new Error(message), { name: 'ReplyError' })

describe('a reply about a lease', () => {
  const three = ['none', 'one', 'two'] as const
  it.each<[string, Fit<unknown>, unknown[]]>([
    ['SET … NX GET', fitPlaced, ['OK', 1, 'x', undefined, [VALUE]]],
    ['a script', fitOneOf(three, false), [3, -1, 0.5, '0', '1', null, 'OK', VALUE, [0]]],
    ['a script with numbers as text', fitOneOf(three, true), ['3', '', '01', '-1', null, 'OK', VALUE]],
  ])('to %s of another type is none', (_, fit, replies) => {
    for (const each of replies) expect([each, fit(each)]).toEqual([each, UNFIT])
  })

  it('is taken when it fits', () => {
    expect([fitPlaced(null), fitPlaced(VALUE)]).toEqual(['won', VALUE])
    expect([0, 1, 2].map(fitOneOf(three, false))).toEqual(three)
    expect(['0', 1, '2'].map(fitOneOf(three, true))).toEqual(three)
  })

  it('is judged in a pipeline by the command that it is to', () => {
    const fit = fitPipeline<unknown>(2, (each, index) => (index === 0 ? fitPlaced(each) : fitOneOf(three, false)(each)))
    const row = (...replies: unknown[]): unknown => replies.map((each) => [null, each])
    expect(fit(row(null, 2))).toEqual({ replies: ['won', 'two'], errors: undefined })
    expect(fit(row(2, null))).toBe(UNFIT)
  })
})

describe('an error out of a script', () => {
  it.each([
    ['READONLY', "READONLY You can't write against a read only replica. script: 6b81, on @user_script:1."],
    [
      'READONLY',
      "ERR Error running script (call to f_1028): @user_script:4: @user_script: 4: -READONLY You can't write against a read only replica.",
    ],
    ['WRONGTYPE', 'ERR Error running script (call to f_4a6c): @user_script:1: WRONGTYPE Operation against a key'],
    ['ERR', 'ERR Error running script (call to f_4a6c): @user_script: 1: Unknown Redis command called from Lua script'],
    ['NOSCRIPT', 'NOSCRIPT No matching script. Please use EVAL.'],
  ])('is known by its word %s, on servers before 7 too', (word, message) => {
    expect(redisWord(reply(message))).toBe(word)
  })

  it('says whether scripts are refused', () => {
    const refused = [
      "NOPERM this user has no permissions to run the 'evalsha' command",
      "NOPERM User cache has no permissions to run the 'eval' command",
      "ERR unknown command 'EVALSHA'",
      "ERR ACL failure in script: User cache has no permissions to run the 'time' command script: 6b81, on @user_script:1.",
      "ERR Error running script (call to f_1): @user_script:1: The user executing the script can't run this command or subcommand",
    ]
    const others = [
      'NOPERM this user has no permissions to access one of the keys used as arguments',
      'NOPERM No permissions to access a key',
      'NOSCRIPT No matching script. Please use EVAL.',
      'ERR syntax error',
    ]
    for (const message of refused) expect([message, isScriptRefused(reply(message))]).toEqual([message, true])
    for (const message of others) expect([message, isScriptRefused(reply(message))]).toEqual([message, false])
    expect(isScriptRefused(new Error(refused[0]))).toBe(false)
  })
})

describe('the scripts', () => {
  it('have names as the server gives them, and are about one key', () => {
    for (const { text, sha } of [LEASE, RENEW, FILL, RELEASE, EXPIRE]) {
      expect(sha).toMatch(/^[\da-f]{40}$/)
      expect(text).toContain('KEYS[1]')
      expect(text).not.toContain('KEYS[2]')
    }
  })
})
