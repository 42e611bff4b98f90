import { describe, expect, it } from 'vitest'
import { NodeError } from '../../src/base/errors.ts'
import {
  fitInfo,
  fitOk,
  fitRemoved,
  fitPipeline,
  fitValue,
  fitValues,
  UNFIT,
  type Fit,
} from '../../src/redis/replies.ts'
import { Underway } from '../../src/redis/underway.ts'

const VALUE = Buffer.from('x')

describe('a reply', () => {
  it.each<[string, Fit<unknown>, unknown[]]>([
    ['GET', fitValue, ['x', 1, undefined, [VALUE], 'OK']],
    ['MGET', fitValues(2), [null, VALUE, [VALUE], [VALUE, 'x'], [VALUE, VALUE, VALUE], [VALUE, [VALUE]], 'OK']],
    ['SET', fitOk, ['ok', 'QUEUED', null, 1, VALUE, ['OK']]],
    ['DEL', fitRemoved(false), ['1', '0', 2, -1, 0.5, null, 'OK', VALUE, '']],
    ['DEL with numbers as text', fitRemoved(true), ['2', 'OK', '', 'x', null, VALUE, '01x']],
    ['INFO', fitInfo, ['', 'OK', null, 1, VALUE, '#comment', 'my redis_version:7']],
    [
      'a pipeline of SETs',
      fitPipeline(2, fitOk),
      [
        null,
        'OK',
        [],
        [[null, 'OK']],
        [
          [null, 'OK'],
          [null, 1],
        ],
      ],
    ],
  ])('to %s of another type is none', (_, fit, replies) => {
    for (const reply of replies) expect([reply, fit(reply)]).toEqual([reply, UNFIT])
  })

  it('of the right type is one', () => {
    expect([fitValue(null), fitValue(VALUE)]).toEqual([undefined, VALUE])
    expect(fitValues(2)([null, VALUE])).toEqual([undefined, VALUE])
    expect(fitOk('OK')).toBe('stored')
    expect([1, 0].map(fitRemoved(false))).toEqual([true, false])
    expect(['1', '0', 1].map(fitRemoved(true))).toEqual([true, false, true])
    expect(fitInfo('# Server\r\nredis_version:7')).toBe('# Server\r\nredis_version:7')
    const error = new Error('OOM')
    expect(fitPipeline(2, fitOk)([[error], [null, 'OK']])).toEqual({
      replies: [undefined, 'stored'],
      errors: new Map([[0, error]]),
    })
  })
})

describe('replies that arrived together', () => {
  /** Settled, but so many steps away, as the results of a pipeline are. */
  const away = async (steps: number, reply: unknown): Promise<unknown> => {
    for (let step = 0; step < steps; step++) await Promise.resolve()
    return reply
  }

  it('are all looked at before any is handed over', async () => {
    const underway = new Underway()
    const error = new NodeError('ERR_NODE_DOWN', 'broken')
    const wait = (sent: Promise<unknown>): Promise<unknown> => underway.wait(sent, fitOk, () => underway.giveUp(error))
    const outcomes = await Promise.allSettled([
      wait(away(50, 'hello')),
      wait(away(1, 'OK')),
      wait(Promise.reject(VALUE)),
    ])
    expect(outcomes).toEqual(outcomes.map(() => ({ status: 'rejected', reason: error })))
    expect(underway.empty).toBe(true)
  })

  it('control: the promises themselves settle in another order', async () => {
    const order: unknown[] = []
    await Promise.all([away(50, 'hello'), away(1, 'OK')].map(async (sent) => order.push(await sent)))
    expect(order).toEqual(['OK', 'hello'])
  })

  it('are handed over when they all fit', async () => {
    const underway = new Underway()
    const wait = (sent: Promise<unknown>): Promise<unknown> => underway.wait(sent, fitOk, () => {})
    const error = new Error('refused')
    const outcomes = await Promise.allSettled([wait(away(50, 'OK')), wait(away(1, 'OK')), wait(Promise.reject(error))])
    expect(outcomes.map((each) => (each.status === 'fulfilled' ? each.value : each.reason))).toEqual([
      'stored',
      'stored',
      error,
    ])
    expect(underway.empty).toBe(true)
  })
})
