import { memcachedNode } from '../../src/memcached/index.ts'
import type { NodeSpec } from '../../src/node/spec.ts'
import { redisNode } from '../../src/redis/index.ts'
import type { Lab } from '../lab/lab.ts'
import { below, pick, seeded } from '../lab/random.ts'
import { more, nothingLeftBehind, readable, row } from './catalogue.ts'

nothingLeftBehind()

const CHANGES = 100

for (const { faults, eject } of [
  { faults: false, eject: false },
  { faults: true, eject: false },
  { faults: true, eject: true },
]) {
  row(
    `topology change in flight${faults ? ', with faults' : ''}${eject ? ' and eject' : ''}: old calls finish, no delete is lost`,
    { servers: ['redis', 'redis', 'memcached', 'memcached'], proxy: true, cache: { eject } },
    async (lab) => {
      const random = seeded(eject ? 3 : 2)
      let changes = 0
      await lab.traffic({
        seed: 5,
        during: async () => {
          for (; changes < CHANGES; changes++) {
            if (faults && changes % 10 === 0) await disturb(lab, below(random, lab.proxies.length), changes / 10)
            await change(lab, random)
            await more(lab, 5)
          }
          await Promise.all(lab.proxies.map((proxy) => proxy.clear()))
          await lab.cache.setNodes(lab.servers.map((_, i) => node(lab, i, 1)))
        },
      })
      await readable(
        lab,
        lab.servers.flatMap((_, i) => lab.keysOf(i, 2)),
      )
      return `${changes} changes`
    },
  )
}

/** Adds, removes or weighs a node. */
async function change(lab: Lab, random: () => number): Promise<void> {
  const here = lab.cache.stats().nodes.map(({ id }) => id)
  const away = lab.servers.map((_, i) => `n${i}`).filter((id) => !here.includes(id))
  const kind = pick(random, ['add', 'add', 'remove', 'reweight'] as const)
  const to = 1 + below(random, 3)
  if (kind === 'add' && away.length > 0) await lab.cache.addNode(node(lab, Number(pick(random, away).slice(1)), to))
  else if (kind === 'remove' && here.length > 1) await lab.cache.removeNode(pick(random, here))
  else await lab.cache.reweight(pick(random, here), to)
}

/** One server at a time is in trouble. */
async function disturb(lab: Lab, which: number, turn: number): Promise<void> {
  await Promise.all(lab.proxies.map((proxy) => proxy.clear()))
  const proxy = lab.proxies[which]!
  if (turn % 3 === 0) proxy.pause()
  else if (turn % 3 === 1) proxy.resetAll()
  else await proxy.refuse()
  if (turn % 3 === 2) proxy.resetAll()
}

function node(lab: Lab, i: number, weight: number): NodeSpec {
  const { kind } = lab.servers[i]!
  const url = lab.proxies[i]!.url(kind)
  const options = { id: `n${i}`, weight }
  return kind === 'redis' ? redisNode(url, options) : memcachedNode(url, options)
}
