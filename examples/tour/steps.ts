import type { CacheStats, ShardedCache, Space } from 'sharded-cache'
import type { Product, SlowDatabase } from './database.ts'
import type { Lineup } from './lineup.ts'
import {
  bars,
  heading,
  line,
  number,
  paint,
  paragraph,
  pause,
  percent,
  progress,
  table,
  time,
  type Row,
} from './terminal.ts'
import { callEach, medianTime, popular, randomFrom } from './traffic.ts'

/** What the steps share. */
export interface Tour {
  readonly cache: ShardedCache
  readonly products: Space<Product>
  readonly ids: readonly string[]
  readonly database: SlowDatabase
  readonly lineup: Lineup
}

export const L1_MAX = 400
const WORDS = ['no', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine']
const READS = 20_000
/** How many visitors the pretend shop has at a time. */
export const VISITORS = 32

export const load = ({ products, database }: Tour, id: string): Promise<Product> =>
  products.getOrLoad(id, () => database.findProduct(id))

/** Step 1: the nodes. */
export async function showNodes({ cache, lineup }: Tour): Promise<void> {
  const some = lineup.nodes.length
  const { points, nodes } = cache.stats().topology
  heading(
    1,
    `One cache on ${WORDS[some] ?? some} nodes`,
    `const cache = await ShardedCache.create({ nodes, l1: { max: ${L1_MAX} } })`,
  )
  const kinds = Math.max(...lineup.nodes.map(({ kind }) => kind.length))
  for (const { spec, kind, place } of lineup.nodes) line(`${paint.cyan(spec.id)}  ${kind.padEnd(kinds)}  ${place}`)
  line()
  paragraph(
    `Every node stands at ${number(points / nodes)} points of a ring. A key’s hash is a place on it, and the next point’s node owns the key.`,
  )
  await pause(2000)
}

/** Step 2: fills the cache. */
export async function fill(tour: Tour): Promise<void> {
  const { ids, database } = tour
  heading(
    2,
    `Loading ${number(ids.length)} products through a slow database`,
    'await products.getOrLoad(id, () => database.findProduct(id))',
  )
  const bar = progress(ids.length, 'products')
  const { took } = await callEach(ids, VISITORS, async (id) => {
    const product = await load(tour, id)
    bar.step()
    return product
  })
  bar.done()
  line()
  paragraph(
    `${number(database.queries)} queries in ${time(took)}: the pretend database takes 8 to 12 ms for each, eight at a time.`,
  )
  paragraph('Who owns the keys now:')
  line()
  bars(shareRows(tour))
  await pause(2500)
}

/** Who owns how many keys, as bars; the largest share fills its bar. */
export function shareRows({ products, ids, cache }: Tour): Row[] {
  const owned = new Map(cache.stats().nodes.map(({ id }) => [id, 0]))
  for (const id of ids) {
    const { owner } = products.explain(id)
    owned.set(owner, (owned.get(owner) ?? 0) + 1)
  }
  const most = Math.max(...owned.values())
  return [...owned].map(([id, keys]) => ({
    label: id,
    share: keys / most,
    notes: [`${number(keys)} keys`, percent(keys / ids.length)],
  }))
}

/** Step 3: traffic, and what each tier made of it. */
export async function read(tour: Tour): Promise<void> {
  const { cache, products, ids, database } = tour
  heading(3, `${number(READS)} reads, some products far more popular than others`, 'cache.stats()')
  const pick = popular(ids.length, randomFrom(42))
  const wanted = Array.from({ length: READS }, () => ids[pick()] as string)
  const before = cache.stats()
  const queries = database.queries
  const { took } = await callEach(wanted, VISITORS, (id) => load(tour, id))
  const asked = database.queries - queries
  bars(hitRows(before, cache.stats()))
  line()
  const saved = asked === 0 ? 'The database was not asked once.' : `The database was asked ${number(asked)} times.`
  const room = `L1 has room for ${number(L1_MAX)} of the ${number(ids.length)} products.`
  paragraph(`${room} ${saved} All reads together took ${time(took)}.`)
  line()
  const l1 = await medianTime(500, () => products.get(ids[0] as string))
  const node = await medianTime(300, (turn) => products.get(ids[turn] as string, { l1: false }))
  const query = await medianTime(50, (turn) => database.findProduct(ids[turn] as string))
  paragraph('One read at a time, the median:')
  line()
  table([
    ['L1, in this process', time(l1), `${number(query / l1)} × as fast`],
    ['a node', time(node), `${number(query / node)} × as fast`],
    ['the pretend database', time(query), ''],
  ])
  await pause(3000)
}

function hitRows(before: CacheStats, after: CacheStats): Row[] {
  const row = (label: string, hits: number, reads: number): Row => ({
    label,
    share: reads === 0 ? 0 : hits / reads,
    notes: [`${percent(reads === 0 ? 0 : hits / reads)} hits`, `of ${number(reads)} reads`],
    colour: label === 'L1' ? 'green' : 'cyan',
  })
  const nodes = after.nodes.map(({ id, members }, i) => {
    const now = members[0]
    const then = before.nodes[i]?.members[0]
    return row(`node ${id}`, (now?.hits ?? 0) - (then?.hits ?? 0), (now?.reads ?? 0) - (then?.reads ?? 0))
  })
  const l1 = {
    hits: (after.l1?.hits ?? 0) - (before.l1?.hits ?? 0),
    misses: (after.l1?.misses ?? 0) - (before.l1?.misses ?? 0),
  }
  return [row('L1', l1.hits, l1.hits + l1.misses), ...nodes]
}
