import { expect } from 'vitest'
import { StallMeter } from '../lab/meters.ts'
import { turn } from '../support/caches.ts'
import { redisText, until } from '../support/servers.ts'
import {
  answers,
  circuitOf,
  KINDS,
  more,
  NODE_TIMEOUT,
  nothingLeftBehind,
  reaches,
  readable,
  row,
  watchCircuits,
} from './catalogue.ts'

nothingLeftBehind()

for (const kind of KINDS) {
  row(
    `killed, ${kind}: every load is answered, the circuit opens, deletes wait, it recovers`,
    { servers: [kind, kind] },
    async (lab) => {
      const [server] = lab.servers
      const circuits = watchCircuits(lab)
      const [kept = '', gone = ''] = lab.keysOf(0)
      await lab.traffic({
        during: async () => {
          await more(lab)
          await server!.kill()
          await reaches(lab, 'open')
          await lab.watch.set(kept)
          expect(await lab.watch.delete(gone)).toBe('journaled')
          await answers(lab, 1)
          await server!.restart()
          await reaches(lab, 'closed')
          await more(lab)
        },
      })
      const own = circuits.filter((change) => change.startsWith('n0'))
      expect([own[0], own.at(-1)]).toEqual(['n0 open', 'n0 closed'])
      await readable(lab, [kept, gone])
    },
  )

  row(
    `killed, ${kind}, with eject: the keys go to the next node, and come back`,
    { servers: [kind, kind, kind], cache: { eject: true } },
    async (lab) => {
      const keys = lab.keysOf(0, 20)
      const moved: string[] = []
      lab.cache.on('eject', ({ node, status }) => moved.push(`${node} ${status}`))
      let instead = 0
      await lab.traffic({
        keys,
        during: async () => {
          await more(lab)
          await lab.servers[0]!.kill()
          await reaches(lab, 'open')
          const { hits } = lab.verdict()
          // What was written elsewhere before the ejection is void for the allowed difference of clocks.
          await readable(lab, keys.slice(0, 1))
          await more(lab, 200)
          instead = lab.verdict().hits - hits
          await lab.servers[0]!.restart()
          await reaches(lab, 'closed')
          await more(lab)
        },
      })
      expect(instead).toBeGreaterThan(0)
      expect(moved[0]).toBe('n0 out')
      return `${instead} hits on other nodes`
    },
  )
}

for (const kind of KINDS) {
  row(
    `hung, ${kind}: deadlines hold, the circuit opens, the others are not touched, it recovers`,
    { servers: [kind, kind] },
    async (lab) => {
      const [server] = lab.servers
      const [deleted = ''] = lab.keysOf(0)
      await readable(lab, [deleted])
      await lab.traffic({
        during: async () => {
          await more(lab)
          server!.pause()
          expect(await lab.watch.delete(deleted)).toBe('journaled')
          await reaches(lab, 'open')
          expect(await lab.watch.get(deleted)).toBeUndefined()
          await answers(lab, 1)
          server!.resume()
          await reaches(lab, 'closed')
          await more(lab)
        },
      })
      expect(await lab.watch.get(deleted)).toBeUndefined()
      await readable(lab, [deleted])
    },
  )

  row(
    `hung, ${kind}, while this process stands still at the deadline: the circuit opens all the same`,
    { servers: [kind] },
    async (lab) => {
      await readable(lab, ['key-0'])
      lab.servers[0]!.pause()
      setTimeout(() => standStill(20), NODE_TIMEOUT - 5)
      // What is asked in one turn shares a command, and the circuit counts commands.
      const reads: Promise<unknown>[] = []
      for (let i = 0; i < 20; i++) {
        reads.push(lab.watch.get('key-0'))
        await turn()
      }
      await Promise.all(reads)
      // Those that a reset of our own ended say nothing of the server; the next ones do.
      await until(async () => {
        await lab.watch.get('key-0')
        return circuitOf(lab) === 'open'
      }, 'the circuit to open')
      lab.servers[0]!.resume()
      await readable(lab, ['key-0'])
    },
  )
}

for (const kind of KINDS) {
  row(
    `slow, ${kind}: later than the deadline opens the circuit; in time is no fault`,
    // Patient: what is slow but in time must be so on a busy machine, too.
    { servers: [kind, kind], proxy: true, cache: { nodeTimeout: 3 * NODE_TIMEOUT } },
    async (lab) => {
      const [proxy] = lab.proxies
      await lab.traffic({
        during: async () => {
          await more(lab)
          proxy!.delay(NODE_TIMEOUT / 2, 'down')
          await more(lab)
          expect(circuitOf(lab)).toBe('closed')
          proxy!.delay(NODE_TIMEOUT * 4, 'down')
          await reaches(lab, 'open')
          await answers(lab, 1)
          proxy!.delay(0)
          await reaches(lab, 'closed')
        },
      })
      await readable(lab, lab.keysOf(0, 2))
    },
  )
}

row('slow, redis: CLIENT PAUSE', { servers: ['redis', 'redis'] }, async (lab) => {
  const { port } = lab.servers[0]!
  await lab.traffic({
    during: async () => {
      await more(lab)
      await redisText(port, `CLIENT PAUSE ${NODE_TIMEOUT * 8} ALL`)
      await reaches(lab, 'open')
      await answers(lab, 1)
      await reaches(lab, 'closed')
    },
  })
  await readable(lab, lab.keysOf(0, 2))
})

for (const kind of KINDS) {
  row(
    `half-open link, ${kind}: found within three deadlines, both ways and one way`,
    { servers: [kind], netns: true },
    async (lab) => {
      const [namespace] = lab.namespaces
      const stalls = new StallMeter()
      const found: number[] = []
      for (const direction of [undefined, 'down'] as const) {
        await lab.traffic({
          during: async () => {
            await more(lab)
            const [begun, stalled] = [performance.now(), stalls.total()]
            namespace!.partition(direction)
            await reaches(lab, 'open')
            found.push(performance.now() - begun - (stalls.total() - stalled))
            await more(lab)
            namespace!.heal()
            await reaches(lab, 'closed')
            await more(lab)
          },
        })
        await readable(lab, ['key-0'])
      }
      stalls.stop()
      expect(Math.max(...found)).toBeLessThan(3 * NODE_TIMEOUT + 50)
      return `found after ${found.map((ms) => ms.toFixed(0)).join(' and ')} ms`
    },
  )
}

function standStill(ms: number): void {
  const end = performance.now() + ms
  while (performance.now() < end);
}
