import { expect } from 'vitest'
import { systemClock, type Clock } from '../../src/base/clock.ts'
import { rejection } from '../support/caches.ts'
import { until } from '../support/servers.ts'
import { KINDS, more, nothingLeftBehind, reaches, readable, row, watchCircuits } from './catalogue.ts'

nothingLeftBehind()

const HOUR = 3_600_000
const TTL = 1_000

for (const [name, kind, l1] of [
  ['redis', 'redis', {}],
  ['memcached', 'memcached', {}],
  ['redis with L1', 'redis', { l1: { ttl: TTL } }],
] as const) {
  const wall = jumpingClock()
  row(
    `clock jump, ${name}, by an hour and back: no immortal entry, no lasting miss`,
    { servers: [kind], cache: { clock: wall, ttl: TTL, nodeTimeout: 1_000, ...l1 } },
    async (lab) => {
      for (const jump of [HOUR, -HOUR]) {
        await lab.watch.set('before')
        wall.jump(jump)
        await lab.watch.set('meanwhile')
        expect(await lab.watch.get('meanwhile')).toBeDefined()
        const { hits } = lab.verdict()
        await lab.traffic({ calls: 300 })
        expect(lab.verdict().hits - hits).toBeGreaterThan(50)
        wall.jump(-jump)
        await lab.traffic({ calls: 100 })
        // Nobody writes these two: whatever the times in them say, they end.
        const both = ['before', 'meanwhile']
        await until(async () => (await lab.watch.getMany(both))?.size === 0, 'the entries to end', 4 * TTL)
        await readable(lab, both)
      }
      // What L1 has is not read again.
      if (name !== 'redis with L1') expect(lab.cache.stats().dropped['clock-skew']).toBeGreaterThan(0)
    },
  )
}

for (const kind of KINDS) {
  row(
    `loader throws, hangs, has nothing, while ${kind} hangs and after it: all who wait are told, nothing is cached`,
    { servers: [kind] },
    async (lab) => {
      const [server] = lab.servers
      await readable(lab, ['warm'])
      server!.pause()
      for (const phase of ['deadlines', 'circuit', 'back'] as const) {
        if (phase === 'circuit') await reaches(lab, 'open')
        if (phase === 'back') {
          server!.resume()
          await reaches(lab, 'closed')
        }
        const { failures } = lab.watch.truth.counts
        lab.watch.truth.behave({ fail: true, ms: 10 })
        const errors = lab.verdict().loadErrors
        await Promise.all(Array.from({ length: 50 }, () => lab.watch.getOrLoad('throws')))
        expect(lab.verdict().loadErrors - errors).toBe(50)
        expect(lab.watch.truth.counts.failures).toBe(failures + 1)
        lab.watch.truth.behave({})

        let aborted = 0
        const hang = ({ signal }: { signal: AbortSignal }): Promise<never> =>
          new Promise(() => signal.addEventListener('abort', () => aborted++))
        const waiting = Array.from({ length: 20 }, () =>
          rejection(lab.cache.getOrLoad(`hangs-${phase}`, hang, { hardTimeout: 150 })),
        )
        for (const error of await Promise.all(waiting)) expect(error).toMatchObject({ code: 'ERR_LOAD_TIMEOUT' })
        expect(aborted).toBe(1)

        let asked = 0
        const none = (): undefined => void asked++
        expect(await lab.cache.getOrLoad('nothing', none)).toBeUndefined()
        expect(await lab.cache.getOrLoad('nothing', none)).toBeUndefined()
        expect(asked).toBe(2)
        expect((await lab.watch.getMany(['throws', `hangs-${phase}`, 'nothing']))?.size).toBe(0)
      }
      expect(await lab.watch.getOrLoad('throws')).toEqual({ key: 'throws', seq: 0 })
      await readable(lab, ['warm'])
    },
  )
}

row(
  'event-loop stall of 500 ms, five times: no circuit opens, nothing is ejected',
  { servers: ['redis', 'memcached', 'redis', 'memcached'], cache: { eject: true } },
  async (lab) => {
    const circuits = watchCircuits(lab)
    const ejected: string[] = []
    lab.cache.on('eject', ({ node }) => ejected.push(node))
    await lab.traffic({
      callers: 32,
      during: async () => {
        for (let stall = 0; stall < 5; stall++) {
          await more(lab)
          const end = performance.now() + 500
          while (performance.now() < end);
        }
        await more(lab)
      },
    })
    expect([circuits, ejected]).toEqual([[], []])
  },
)

/** The machine's clock, whose wall-clock time can be set forward and back. */
function jumpingClock(): Clock & { jump(ms: number): void } {
  let offset = 0
  return { ...systemClock, now: () => systemClock.now() + offset, jump: (ms) => void (offset += ms) }
}
