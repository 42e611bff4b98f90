import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { TTL, assertBytes, assertNodeError, fetch, settles, store, storeAll, type Draft } from './trial.ts'

const MIB = 2 ** 20

/** Cases about values: what is written is what is read. */
export const valueCases: readonly Draft[] = [
  {
    name: 'a missing key reads as undefined',
    async run({ adapter, key }) {
      assert.equal(await fetch(adapter, key('missing')), undefined)
    },
  },
  {
    name: 'an empty value is a value, not a miss',
    async run({ adapter, key }) {
      await store(adapter, key('empty'), new Uint8Array(0))
      assertBytes(await fetch(adapter, key('empty')), new Uint8Array(0), 'an empty value')
    },
  },
  {
    name: 'all 256 byte values come back as they were',
    async run({ adapter, key }) {
      const bytes = Uint8Array.from({ length: 512 }, (_, index) => index % 256)
      await store(adapter, key('bytes'), bytes)
      assertBytes(await fetch(adapter, key('bytes')), bytes, 'all byte values')
    },
  },
  {
    name: 'bytes that look like a protocol come back as they were',
    async run({ adapter, key }) {
      const texts = ['END\r\n', '$-1\r\n', '\r\n\r\n', 'VALUE x 0 1\r\n', '+OK\r\n', '\0', 'EN\r\nHD\r\n', '*0\r\n']
      const items = texts.map((text, index) => ({ key: key(`${index}`), value: Buffer.from(text), ttl: TTL }))
      await storeAll(adapter, items)
      const outcomes = await settles(adapter.read(items.map((item) => item.key)), 'read()')
      for (const [index, item] of items.entries()) assertBytes(outcomes[index], item.value, `text ${index}`)
    },
  },
  {
    name: 'a view into a larger buffer is stored as the view',
    async run({ adapter, key }) {
      const whole = Uint8Array.from({ length: 100 }, (_, index) => index)
      await store(adapter, key('view'), whole.subarray(10, 20))
      assertBytes(await fetch(adapter, key('view')), whole.slice(10, 20), 'a view')
    },
  },
  {
    name: '100 KB come back as they were',
    async run({ adapter, key }) {
      const bytes = randomBytes(100_000)
      await store(adapter, key('large'), bytes)
      assertBytes(await fetch(adapter, key('large')), bytes, '100 KB')
    },
  },
  {
    name: 'a second write replaces the first, also with a shorter value',
    async run({ adapter, key }) {
      await store(adapter, key('twice'), Buffer.from('the first value'))
      await store(adapter, key('twice'), Buffer.from('second'))
      assertBytes(await fetch(adapter, key('twice')), Buffer.from('second'), 'the second value')
    },
  },
  {
    name: 'the caller may use its buffer again once a write has settled',
    async run({ adapter, key }) {
      const buffer = Buffer.from('before')
      await store(adapter, key('reused'), buffer)
      buffer.fill('x')
      assertBytes(await fetch(adapter, key('reused')), Buffer.from('before'), 'the value as it was written')
    },
  },
  {
    name: 'values are kept apart by what they hold after many reads of one key',
    async run({ adapter, key, value }) {
      const mine = value()
      await store(adapter, key('same'), mine)
      const outcomes = await Promise.all(Array.from({ length: 50 }, () => fetch(adapter, key('same'))))
      for (const outcome of outcomes) assertBytes(outcome, mine, 'one key read 50 times at once')
    },
  },
  {
    name: 'a value of exactly the limit is kept, and one byte more costs only its own key',
    needs: 'value-limit',
    async run({ adapter, key, value }) {
      const { maxValueBytes } = adapter.limits
      assert.ok(
        maxValueBytes <= 8 * MIB,
        `limits.maxValueBytes is ${maxValueBytes}, too much to be exceeded here: say \`without: ['value-limit']\``,
      )
      await store(adapter, key('full'), Buffer.alloc(maxValueBytes, 'f'))
      assertBytes(await fetch(adapter, key('full')), Buffer.alloc(maxValueBytes, 'f'), 'a value of exactly the limit')

      const [before, after] = [value(), value()]
      const tooLarge = Buffer.alloc(maxValueBytes + 1, value())
      const outcomes = await settles(
        adapter.write([
          { key: key('before'), value: before, ttl: TTL },
          { key: key('over'), value: tooLarge, ttl: TTL },
          { key: key('after'), value: after, ttl: TTL },
        ]),
        'write()',
      )
      assert.equal(outcomes.length, 3)
      assert.equal(outcomes[0], 'stored')
      assertNodeError(outcomes[1], 'a value over the limit', tooLarge)
      assert.equal(outcomes[2], 'stored')
      assertBytes(await fetch(adapter, key('before')), before, 'the neighbour before')
      assert.equal(await fetch(adapter, key('over')), undefined, 'nothing is half-written')
      assertBytes(await fetch(adapter, key('after')), after, 'the neighbour after')
    },
  },
]
