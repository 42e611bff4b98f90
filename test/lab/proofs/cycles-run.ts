import { openLane, type Lane, type LaneKind, type Sightings, type Way } from './cycles-lane.ts'
import { startSecond, type Second } from './cycles-process.ts'

export interface CyclesOptions {
  /** On Redis, every other one with old data; memcached has a fifth as many more. */
  cycles: number
  /** How many Redis nodes are cycled side by side, the first ones with replicas. */
  lanes?: number
  /** Switches journal, circuits and fences off, for a control. */
  naive?: boolean
  progress?: (done: number, of: number) => void
}

/** What came of all cycles of one way on one kind of server. */
export interface CyclesRow extends Sightings {
  readonly kind: LaneKind
  readonly way: Way
  cycles: number
}

const OTHER_WAYS: readonly Way[] = ['hung', 'cut off', 'killed']
const MEMCACHED_WAYS: readonly Way[] = ['hung', 'cut off']
/** One cycle of memcached to so many of Redis. */
const MEMCACHED_SHARE = 5

/** Takes nodes down, deletes, lets them come back, and counts how often what was deleted is read again. */
export async function runCycles(options: CyclesOptions): Promise<CyclesRow[]> {
  const { cycles, naive = false, lanes: count = 6, progress } = options
  const lanes: Lane[] = []
  let second: Second | undefined
  try {
    for (let i = 0; i < count; i++) lanes.push(await openLane(i, i < count / 3 ? 'redis, replica' : 'redis', naive))
    for (let i = 0; i < Math.ceil(count / 4); i++) lanes.push(await openLane(count + i, 'memcached', naive))
    second = await startSecond(
      lanes.map(({ urls }) => urls),
      naive,
    )
    return await shareOut(lanes, second, cycles, progress)
  } finally {
    await second?.stop()
    await Promise.all(lanes.map((lane) => lane.stop()))
  }
}

async function shareOut(
  lanes: readonly Lane[],
  second: Second,
  cycles: number,
  progress: CyclesOptions['progress'],
): Promise<CyclesRow[]> {
  const of = { redis: cycles, memcached: Math.max(MEMCACHED_WAYS.length, Math.round(cycles / MEMCACHED_SHARE)) }
  const begun = { redis: 0, memcached: 0 }
  const rows: CyclesRow[] = []
  let done = 0
  await Promise.all(
    lanes.map(async (lane) => {
      const { kind } = lane
      const counted = kind === 'memcached' ? kind : 'redis'
      while (begun[counted] < of[counted]) {
        const number = begun[counted]++
        const way = wayOf(kind, number)
        const seen = await lane.cycle(number, way, second)
        add(rows, kind, way, seen)
        progress?.(++done, of.redis + of.memcached)
      }
    }),
  )
  return rows.toSorted((a, b) => b.kind.localeCompare(a.kind) || b.cycles - a.cycles)
}

function wayOf(kind: LaneKind, number: number): Way {
  const turn = (ways: readonly Way[], at: number): Way => ways[at % ways.length]!
  if (kind === 'memcached') return turn(MEMCACHED_WAYS, number)
  return number % 2 === 0 ? 'old data' : turn(OTHER_WAYS, (number - 1) / 2)
}

function add(rows: CyclesRow[], kind: LaneKind, way: Way, seen: Sightings): void {
  let row = rows.find((one) => one.kind === kind && one.way === way)
  if (!row) {
    row = { kind, way, cycles: 0, deleted: 0, failed: 0, reads: 0, again: 0, secondReads: 0, secondAgain: 0 }
    rows.push(row)
  }
  row.cycles++
  for (const name of Object.keys(seen) as (keyof Sightings)[]) row[name] += seen[name]
}
