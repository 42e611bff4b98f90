import assert from 'node:assert/strict'
import { Slice } from '../../base/slice.ts'
import type { Asker, ReadGiven } from '../../node/contract.ts'
import { assertBytes, settles, TTL, type Draft } from './trial.ts'

/** How many keys are asked for at once: none, one, some, and more than go into one command. */
const WIDTHS = [0, 1, 3, 70]

/** Cases about adapters that can be asked without a promise. */
export const beginCases: readonly Draft[] = [
  {
    name: 'what is asked without a promise is told once, and later, as with one',
    async run({ adapter, key }) {
      for (const width of WIDTHS) {
        const items = Array.from({ length: width }, (_, index) => ({
          key: key(`${width}:${index}`),
          value: Buffer.from(`value of ${index}`),
          ttl: TTL,
        }))
        const keys = items.map((item) => item.key)
        if (adapter.beginWrite) {
          const written = await told((asker) => adapter.beginWrite?.(items, asker), 'beginWrite()')
          assert.deepEqual(
            written,
            items.map(() => 'stored'),
          )
        } else await settles(adapter.write(items), 'write()')
        if (!adapter.beginRead) continue
        const found = await told<ReadGiven>(
          (asker) => adapter.beginRead?.([...keys, key('none')], Slice, asker),
          'beginRead()',
        )
        assert.equal(found.length, width + 1, 'one outcome per key')
        assert.equal(found[width], undefined, 'a miss')
        for (const [index, { value }] of items.entries()) {
          const outcome = found[index]
          assertBytes(outcome instanceof Slice ? outcome.own() : outcome, value, `key ${index}`)
        }
        if (width > 0) continue
        assert.deepEqual(
          await told<ReadGiven>((asker) => adapter.beginRead?.([], Slice, asker), 'beginRead() of no keys'),
          [],
        )
      }
    },
  },
]

/** What an asker is told; it fails when that is at once, or more than one thing. */
async function told<T>(ask: (asker: Asker<T>) => void, what: string): Promise<T> {
  let times = 0
  const first = await settles(
    new Promise<T>((resolve, reject) => {
      let began = false
      const came = (value: T): void => {
        times++
        if (began) resolve(value)
        else reject(new assert.AssertionError({ message: `${what} told its asker before it returned` }))
      }
      const failed = (error: unknown): void => {
        times++
        reject(error as Error)
      }
      ask({ came, failed })
      began = true
    }),
    what,
  )
  await new Promise((resolve) => setTimeout(resolve, 10))
  assert.equal(times, 1, `${what} told its asker ${times} times`)
  return first
}
