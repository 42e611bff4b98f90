import type { ShardedCache } from '../../../src/cache.ts'
import { soon } from '../../support/servers.ts'
import { heapUsed, leftOver, resources, StallMeter, UnhandledMeter } from '../meters.ts'
import { Truth } from '../truth.ts'
import { keysNamed } from '../traffic.ts'
import { makeCalls } from './calls.ts'
import { Conductor } from './conductor.ts'
import { ForeignJudge, ownJudge, type Failovers, type Judge } from './judges.ts'
import { walk, type FaultKind } from './plan.ts'
import { Subject } from './subject.ts'
import { Tally } from './tally.ts'
import { Trace } from './trace.ts'
import { NODE_TIMEOUT, openCaches, openServers, recovered, REPLICATED, SHAPE, type World } from './world.ts'

export interface ChaosOptions {
  seed: number
  /** How long faults begin for, in milliseconds. */
  ms: number
  /** Switches the protections off, for a control. */
  naive?: boolean
  /** Told of the run as it goes, a few times a second. */
  progress?: (now: Progress) => void
}

export interface Progress {
  /** Milliseconds since it began. */
  readonly elapsed: number
  readonly faults: readonly string[]
  readonly calls: number
  readonly violations: number
}

/** What became of a run. */
export interface ChaosReport {
  readonly seed: number
  readonly faults: Readonly<Partial<Record<FaultKind, number>>>
  readonly calls: number
  readonly reads: number
  readonly hits: number
  /** I1: calls that settled too late; the most that one took over its deadline, in milliseconds. */
  readonly late: number
  readonly latest: number
  /** I2 */
  readonly unhandled: readonly string[]
  /** I3 */
  readonly wrong: number
  /** I4 */
  readonly stale: number
  /** What would have been stale without the allowances, by name. */
  readonly allowed: Readonly<Record<string, number>>
  readonly rejected: Readonly<Record<string, number>>
  /** I5: loads, and those that a flight under way should have served. */
  readonly loads: number
  readonly duplicates: number
  readonly events: Readonly<Tally>
  /** Whether all circuits were closed and all journals empty in the end. */
  readonly recovered: boolean
  /** I6: what was left after the caches were closed, and by how many bytes the heap had grown. */
  readonly handles: readonly string[]
  readonly heap: number
  readonly violations: readonly string[]
  /** The events around the first violation. */
  readonly trace: readonly string[] | undefined
}

/** By how much the heap may have grown when all is closed, in bytes: compiled code and what the run itself remembers. */
export const HEAP_BOUND: number = 16 * 1024 * 1024
/** How long nodes may take to be back when nothing keeps them from it: the probes of a circuit back off. */
const RECOVERY = 60_000
const KEYS = 40
const CALLERS = 6
const LOADER = 5

/** Whether all invariants held. */
export function held(report: ChaosReport): boolean {
  const { late, unhandled, wrong, stale, rejected, duplicates, handles, heap } = report
  const none = [late, unhandled.length, wrong, stale, Object.keys(rejected).length, duplicates, handles.length]
  return none.every((count) => count === 0) && report.recovered && heap < HEAP_BOUND
}

/** Walks over the faults of a seed while calls are made, and judges all that comes of it. */
export async function chaos(options: ChaosOptions): Promise<ChaosReport> {
  const servers = await openServers()
  const unhandled = new UnhandledMeter()
  const before = { resources: resources(), heap: heapUsed() }
  try {
    // What it remembers of the run must be gone when the heap is looked at.
    const report = await storm(await openCaches(servers, options), options)
    await soon(() => leftOver(before.resources).length === 0, 1_000)
    const after = { handles: leftOver(before.resources), heap: heapUsed() - before.heap }
    return { ...report, ...after, unhandled: unhandled.errors }
  } finally {
    unhandled.stop()
    await Promise.all([...servers.values()].map((server) => server.stop()))
  }
}

type Stormed = Omit<ChaosReport, 'handles' | 'heap' | 'unhandled'>

async function storm(world: World, { seed, ms, progress }: ChaosOptions): Promise<Stormed> {
  const { caches } = world
  const trace = new Trace()
  const truth = new Truth()
  truth.behave({ ms: LOADER })
  const stall = new StallMeter()
  const tally = new Tally()
  const restored = { at: -Infinity }
  const failovers = caches.map((cache): Failovers => failoversOf(cache, () => restored.at))
  const own = failovers.map(ownJudge)
  const foreign = failovers.map((each) => new ForeignJudge(each))
  const keys = caches.map((_, index) => keysNamed(KEYS).map((key) => `${'ab'[index]}-${key}`))
  const subjects = caches.map((cache, index) => {
    tally.listen(cache, index, trace)
    const judges = { own: own[index]!, others: foreign.filter((_, at) => at !== index), foreign: foreign[index]! }
    return new Subject({ cache, truth, trace, stall, nodeTimeout: NODE_TIMEOUT, ...judges })
  })
  const conductor = new Conductor(world, SHAPE, trace, {
    restarting: (server, data) => {
      if (data && server === REPLICATED) restored.at = performance.now()
      for (const judge of foreign) judge.restarting(server)
    },
    nodesChange: (under) => {
      for (const judge of foreign) judge.nodesChange(under)
    },
  })
  const began = performance.now()
  const sum = (count: (subject: Subject) => number): number => subjects.reduce((all, one) => all + count(one), 0)
  const tick = setInterval(() => {
    const calls = sum(({ counts }) => counts.calls)
    progress?.({
      elapsed: performance.now() - began,
      faults: conductor.now,
      calls,
      violations: trace.violations.length,
    })
  }, 200)
  try {
    let stopped = false
    const calls = subjects.map((subject, index) =>
      makeCalls(subject, {
        seed: seed + index,
        callers: CALLERS,
        keys: keys[index]!,
        foreign: keys[1 - index]!,
        stopped: () => stopped,
      }),
    )
    let well = false
    try {
      await conductor.play(walk(seed, ms, SHAPE), ms)
      well = await recovered(caches, RECOVERY)
      if (!well) trace.violation('not recovered: a circuit is open or a journal not empty')
    } finally {
      stopped = true
      await Promise.all(calls)
    }
    const judges: readonly Judge[] = [...own, ...foreign]
    const total = (count: (judge: Judge) => number): number => judges.reduce((all, one) => all + count(one), 0)
    return {
      seed,
      faults: conductor.counts,
      calls: sum(({ counts }) => counts.calls),
      reads: sum(({ counts }) => counts.reads),
      hits: sum(({ counts }) => counts.hits),
      late: sum(({ counts }) => counts.late),
      latest: Math.round(Math.max(...subjects.map(({ counts }) => counts.latest))),
      wrong: total(({ wrong }) => wrong),
      stale: total(({ stale }) => stale),
      allowed: added(judges.map(({ allowed }) => allowed)),
      rejected: added(subjects.map(({ counts }) => counts.rejected)),
      loads: truth.counts.calls,
      duplicates: truth.counts.duplicates,
      events: tally,
      recovered: well,
      violations: trace.violations,
      trace: trace.first,
    }
  } finally {
    clearInterval(tick)
    stall.stop()
    await world.closeCaches()
  }
}

function failoversOf(cache: ShardedCache, restored: () => number): Failovers {
  let last = -Infinity
  cache.on('failover', ({ node }) => {
    if (node === REPLICATED) last = performance.now()
  })
  return { ownerOf: (key) => cache.explain(key).owner, last: () => last, restored }
}

function added(all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const [name, count] of all.flatMap(Object.entries<number>)) sums[name] = (sums[name] ?? 0) + count
  return sums
}
