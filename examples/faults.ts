/** What does a service do when a cache node hangs, breaks off or errs? Found out with a fault laboratory, without servers. */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { ShardedCache, memoryNode } from 'sharded-cache'
import { faulty } from 'sharded-cache/testing'

const lab = faulty(memoryNode('a'), { seed: 7 })
const cache = await ShardedCache.create({ nodes: [lab.node, memoryNode('b')], nodeTimeout: '100ms' })

// The service: profiles from a database that takes 5 ms, through the cache.
let queries = 0
const profile = cache.wrap(
  async (id: number) => {
    queries++
    await sleep(5)
    return { id, name: `User ${id}` }
  },
  { key: (id) => `profile:${id}`, ttl: '10m' },
)

const ids = Array.from({ length: 200 }, (_, id) => id)
const onA = ids.filter((id) => cache.explain(`profile:${id}`).owner === 'a')

/** Asks for all profiles at once, checks every answer, and says how that went. */
async function askForAll(when: string): Promise<number> {
  // A load has ended when its value is on the node, or the node did not take it; who asks earlier shares the load.
  while (cache.stats().loads.running > 0) await sleep(5)
  queries = 0
  const start = performance.now()
  const answers = await Promise.all(ids.map((id) => profile(id)))
  const ms = Math.round(performance.now() - start)
  for (const [index, { id }] of answers.entries()) assert.equal(id, ids[index])
  console.log(`${when}: ${answers.length} of ${ids.length} right, ${queries} from the database, all within ${ms} ms`)
  return queries
}

/** Asks until the cache answers everything: a node that was in trouble is tried before it is trusted. */
async function recover(when = '  afterwards'): Promise<void> {
  for (let round = 0; round < 60; round++) {
    if ((await askForAll(when)) === 0) return
    await sleep(250)
  }
  assert.fail('the cache did not recover')
}

try {
  await askForAll('cold')
  // On a machine that is busy, a value may miss its deadline on the way to its node.
  await recover('warm')

  const heal = lab.inject({ fault: 'hang' })
  assert.equal(await askForAll(`node a hangs, which has ${onA.length} of them`), onA.length)
  heal()
  await recover()

  lab.inject({ fault: 'error', operation: 'read', probability: 0.1, times: 5 })
  const loaded = await askForAll('node a refuses some reads')
  assert.ok(loaded <= 5)
  lab.clear()
  await recover()

  lab.inject({ fault: 'drop', operation: 'read', times: 1 })
  await askForAll('the connection to node a breaks')
  await recover()

  const { hang, error, drop } = lab.counts
  console.log(`faults that struck: ${hang} × hang, ${error} × error, ${drop} × drop`)
  assert.ok(hang > 0 && error > 0 && drop === 1)
} finally {
  await cache.close()
}
