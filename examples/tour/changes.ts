import { setTimeout as sleep } from 'node:timers/promises'
import { Complaint } from './arguments.ts'
import type { Tour } from './steps.ts'
import { load, shareRows, VISITORS } from './steps.ts'
import { bars, heading, line, number, paint, paragraph, pause, percent, time } from './terminal.ts'
import { callEach, randomFrom, type Outcome } from './traffic.ts'

/** Step 4: a node goes in the middle of the traffic, and comes back. */
export async function loseNode(tour: Tour): Promise<Outcome> {
  const { cache, ids, database, lineup } = tour
  const { trouble } = lineup
  heading(4, trouble.title, 'const { healthy, issues } = await cache.health()')
  paragraph(trouble.how)
  await pause(1200)
  const random = randomFrom(11)
  const order = ids.toSorted(() => random() - 0.5)
  const { hits } = cache.stats()
  const queries = database.queries
  let made = 0
  let striking: Promise<unknown> | undefined
  const outcome = await callEach(order, VISITORS, (id) => {
    if (++made === ids.length / 4) striking = trouble.strike(cache)
    return load(tour, id)
  })
  await striking
  const failed = outcome.calls - outcome.answered
  line()
  const all = `${number(outcome.answered)} of ${number(outcome.calls)} calls were answered`
  paragraph(`${all}; the slowest took ${time(outcome.slowest)}.`, failed === 0 ? paint.green : paint.red)
  line()
  const cached = cache.stats().hits - hits
  const loaded = database.queries - queries
  const row = (label: string, calls: number, colour: 'cyan' | 'yellow') => ({
    label,
    share: calls / outcome.calls,
    notes: [`${number(calls)} calls`, percent(calls / outcome.calls)],
    colour,
  })
  bars([row('from the cache', cached, 'cyan'), row('by the loader', loaded, 'yellow')])
  const { issues } = await cache.health()
  for (const { node, text } of issues) paragraph(`issues: node ${node}, ${text}`, paint.dim)
  await pause(2000)
  await comeBack(tour)
  return outcome
}

async function comeBack(tour: Tour): Promise<void> {
  const { cache, products, ids, database, lineup } = tour
  await lineup.trouble.heal(cache)
  const start = performance.now()
  const id = ids.find((each) => products.explain(each).owner === 'b') as string
  const product = await database.findProduct(id)
  while (!(await products.set(id, product)).ok) {
    if (performance.now() - start > 10_000) throw new Complaint('Node b did not come back within ten seconds.')
    await sleep(5)
  }
  const ms = performance.now() - start
  const queries = database.queries
  await callEach(ids, VISITORS, (each) => load(tour, each))
  const loaded = database.queries - queries
  const filled =
    loaded === 0
      ? 'It still had its products.'
      : `Its products came back as they were asked for: ${number(loaded)} queries.`
  line()
  paragraph(`${lineup.trouble.cure(ms)} ${filled}`)
  await pause(2000)
}

/** What a change of nodes moved. Shares of the keys. */
export interface Moved {
  ring: number
  modulo: number
}

const ORDINALS = ['', '', 'second', 'third', 'fourth', 'fifth', 'sixth', 'seventh', 'eighth', 'ninth']

/** Step 5: one node more. */
export async function gainNode(tour: Tour): Promise<Moved> {
  const { cache, products, ids, lineup } = tour
  const count = lineup.nodes.length
  const { id: newcomer } = lineup.newcomer.spec
  heading(5, `A ${ORDINALS[count + 1] ?? 'further'} node joins`, 'await cache.addNode(node)')
  line(`${paint.cyan(newcomer)}  ${lineup.newcomer.kind}  ${lineup.newcomer.place}`)
  line()
  const before = ids.map((id) => products.explain(id))
  await cache.addNode(lineup.newcomer.spec)
  const after = ids.map((id) => products.explain(id))
  const moved = after.filter(({ owner }, i) => owner !== before[i]?.owner)
  const astray = moved.filter(({ owner }) => owner !== newcomer).length
  const modulo = before.filter(({ hash }) => hash % count !== hash % (count + 1)).length
  const row = (label: string, keys: number, colour: 'green' | 'yellow') => ({
    label,
    share: keys / ids.length,
    notes: [`${percent(keys / ids.length)} moved`, `${number(keys)} keys`],
    colour,
  })
  bars([
    row('this ring', moved.length, 'green'),
    row('the ideal', ids.length / (count + 1), 'green'),
    row('hash modulo', modulo, 'yellow'),
  ])
  line()
  let found = 0
  for (let at = 0; at < ids.length; at += 500)
    found += (await products.getMany(ids.slice(at, at + 500), { l1: false })).size
  paragraph(
    `${number(moved.length - astray)} keys moved to ${newcomer}, ${number(astray)} between the others. Asked right after, ` +
      `the nodes still had ${percent(found / ids.length)} of the products; with modulo they would have had ` +
      `${percent(1 - modulo / ids.length)}.`,
  )
  line()
  bars(shareRows(tour))
  await pause(2000)
  return { ring: moved.length / ids.length, modulo: modulo / ids.length }
}
