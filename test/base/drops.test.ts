import { expect, it } from 'vitest'
import { Drops } from '../../src/base/drops.ts'
import { Events } from '../../src/base/events.ts'
import { ManualClock } from '../../src/testing/index.ts'

it('what is dropped is counted by reason, and told to those who listen', () => {
  const events = new Events()
  const drops = new Drops(events, new ManualClock(5_000))
  drops.tell('corrupt', 'user:1', 'a')
  const told: unknown[] = []
  events.on('dropped', (event) => told.push(event))
  drops.tell('corrupt', 'user:2', 'a')
  drops.tell('overtaken', 'user:3')
  expect(drops.counts).toMatchObject({ corrupt: 2, overtaken: 1, 'wrong-key': 0 })
  expect(told).toEqual([
    { type: 'dropped', reason: 'corrupt', key: 'user:2', node: 'a', at: 5_000 },
    { type: 'dropped', reason: 'overtaken', key: 'user:3', at: 5_000 },
  ])
})
