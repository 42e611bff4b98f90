/**
 * The guided run behind `npm start`: a cache on four nodes, filled through a slow database, read, hurt, and enlarged. Every
 * figure it shows is measured in the run.
 */
import { randomBytes } from 'node:crypto'
import { isCacheError, ShardedCache } from 'sharded-cache'
import { Complaint, HELP, readArguments, type GivenNode } from './arguments.ts'
import { gainNode, loseNode, type Moved } from './changes.ts'
import { SlowDatabase, type Product } from './database.ts'
import { makeLineup, type Lineup } from './lineup.ts'
import { fill, L1_MAX, read, showNodes, type Tour } from './steps.ts'
import { banner, hush, line, list, number, paint, paragraph, percent, table, time } from './terminal.ts'
import type { Outcome } from './traffic.ts'

const PRODUCTS = 4_000
const SPACE = 'product'
const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const

let lineup: Lineup | undefined
let cache: ShardedCache | undefined
let written = false
let leaving = false

try {
  const request = readArguments(process.argv.slice(2))
  if (request.does === 'help') process.stdout.write(HELP)
  else await guide(request.given)
} catch (error) {
  process.exitCode = 1
  tell(error)
} finally {
  await lineup?.stop()
}

async function guide(given: readonly GivenNode[]): Promise<void> {
  leaveWell()
  const ids = Array.from({ length: PRODUCTS }, (_, i) => `${i}`)
  const namespace = `sharded-cache-tour-${randomBytes(4).toString('hex')}`
  line()
  banner(`${paint.bold('sharded-cache')}  ${paint.dim('a guided tour')}`)
  line()
  lineup = await makeLineup(
    given,
    namespace,
    ids.map((id) => `${SPACE}:${id}`),
  )
  paragraph(lineup.intro)
  cache = await ShardedCache.create({
    nodes: lineup.nodes.map(({ spec }) => spec),
    namespace,
    l1: { max: L1_MAX, ttl: '30s' },
  })
  try {
    await checkNodes(cache, lineup)
    const database = new SlowDatabase()
    const tour: Tour = { cache, products: cache.space<Product>(SPACE), ids, database, lineup }
    await showNodes(tour)
    written = true
    await fill(tour)
    await read(tour)
    const outcome = await loseNode(tour)
    const moved = await gainNode(tour)
    sumUp(cache, database, outcome, moved)
  } finally {
    await cache.close()
    const removed = written ? await lineup.removeKeys?.() : undefined
    if (removed) paragraph(`${removed}\n`, paint.dim)
  }
}

/** Servers that were given must be there: a tour of dead nodes would show nothing. */
async function checkNodes(cache: ShardedCache, { nodes }: Lineup): Promise<void> {
  const health = await cache.health()
  const down = health.nodes.filter(({ state }) => state === 'down')
  if (down.length > 0) {
    const names = down.map(({ id, address }) => `${nodes.find(({ spec }) => spec.id === id)?.kind} at ${address}`)
    const verb = down.length > 1 ? 'do not answer. Are they' : 'does not answer. Is it'
    const reasons = health.issues.map(({ text }) => text).join('; ')
    throw new Complaint(`${names.join(' and ')} ${verb} running, and reachable from here? (${reasons})`)
  }
  const [issue] = health.issues
  if (issue) throw new Complaint(issue.text)
}

function sumUp(
  cache: ShardedCache,
  { queries }: SlowDatabase,
  { answered, calls, slowest }: Outcome,
  moved: Moved,
): void {
  const { hits, misses } = cache.stats()
  line()
  banner(paint.bold('In short'))
  line()
  table([
    ['reads from the cache', `${number(hits)} of ${number(hits + misses)}`],
    ['queries to the database', number(queries)],
    ['answered while b went', `${number(answered)} of ${number(calls)}`],
    ['the slowest of them', time(slowest)],
    ['moved by one node more', percent(moved.ring)],
    ['moved by hash modulo', percent(moved.modulo)],
  ])
  line()
  banner(paint.bold('Where to go from here'))
  line()
  list([
    ['npm test', 'all of this and much more, proved on real servers'],
    ['npm run example', 'small programs to begin yours from'],
    ['README.md', 'what it promises and what not; docs/ has the rest'],
  ])
  line()
}

/** Told to stop, or with nobody reading any more: ends the servers, deletes the keys, and goes. */
function leaveWell(): void {
  const leave = async (code: number): Promise<void> => {
    if (leaving) return
    leaving = true
    hush()
    await cache?.close()
    if (written) await lineup?.removeKeys?.()
    await lineup?.stop()
    process.exit(code)
  }
  for (const [signal, code] of Object.entries(SIGNALS)) process.once(signal, () => void leave(code))
  process.stdout.on('error', () => void leave(0))
}

function tell(error: unknown): void {
  if (leaving) return
  if (error instanceof Complaint || isCacheError(error)) console.error(`\n${error.message}\n`)
  else console.error(error)
}
