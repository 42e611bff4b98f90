import type { ShardedCache } from '../../../src/cache.ts'
import { makeCalls } from '../chaos/calls.ts'
import { Conductor } from '../chaos/conductor.ts'
import type { Judge } from '../chaos/judges.ts'
import { walk } from '../chaos/plan.ts'
import type { Progress } from '../chaos/run.ts'
import { Subject } from '../chaos/subject.ts'
import { Trace } from '../chaos/trace.ts'
import { soon } from '../../support/servers.ts'
import { NODE_TIMEOUT, openCaches, openServers, recovered, SHAPE, type World } from '../chaos/world.ts'
import { heapUsed, leftOver, resources, StallMeter, UnhandledMeter } from '../meters.ts'
import { keysNamed } from '../traffic.ts'
import { Truth, type Value } from '../truth.ts'
import { GROWTH_BOUND, heapGrowth, type Sample } from './verdict.ts'

export interface SoakOptions {
  /** How long faults begin for, in milliseconds. */
  ms: number
  /** Between two samples, in milliseconds. */
  every: number
  seed: number
  /** Told of the run as it goes, a few times a second. */
  progress?: (now: Progress) => void
}

/** What became of a soak. */
export interface SoakReport {
  readonly ms: number
  readonly samples: readonly Sample[]
  /** When faults began, in milliseconds. */
  readonly faults: readonly number[]
  readonly calls: number
  readonly late: number
  readonly wrong: number
  readonly rejected: number
  readonly unhandled: readonly string[]
  /** By how much the heap grew over the second half, in bytes; see `heapGrowth`. */
  readonly growth: number
  /** Sockets and the like before the traffic, and after it, when all nodes were back. */
  readonly handles: { readonly before: number; readonly after: number }
  readonly recovered: boolean
  /** What was left after the caches were closed. */
  readonly left: readonly string[]
}

const KEYS = 40
const CALLERS = 4
const RECOVERY = 60_000

/** Whether memory, handles and journals were flat, and no call was late, wrong or rejected. */
export function flat(report: SoakReport): boolean {
  const { late, wrong, rejected, unhandled, left, handles, growth } = report
  const none = [late, wrong, rejected, unhandled.length, left.length].every((count) => count === 0)
  return none && report.recovered && handles.after <= handles.before && growth < GROWTH_BOUND
}

/** Steady traffic under faults that come again and again, with a look at memory and handles now and then. */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  const servers = await openServers()
  const unhandled = new UnhandledMeter()
  const before = resources()
  try {
    const report = await steep(await openCaches(servers, options), options)
    await soon(() => leftOver(before).length === 0, 1_000)
    return { ...report, left: leftOver(before), unhandled: unhandled.errors }
  } finally {
    unhandled.stop()
    await Promise.all([...servers.values()].map((server) => server.stop()))
  }
}

async function steep(
  world: World,
  { ms, every, seed, progress }: SoakOptions,
): Promise<Omit<SoakReport, 'left' | 'unhandled'>> {
  const { caches } = world
  const trace = new Trace()
  const truth = new Truth()
  const stall = new StallMeter()
  const judges = caches.map(() => keyJudge(truth))
  const keys = caches.map((_, index) => keysNamed(KEYS).map((key) => `${'ab'[index]}-${key}`))
  const subjects = caches.map((cache, index) => {
    const judge = judges[index]!
    return new Subject({
      cache,
      truth,
      trace,
      stall,
      own: judge,
      others: [],
      foreign: judge,
      nodeTimeout: NODE_TIMEOUT,
    })
  })
  const conductor = new Conductor(world, SHAPE, trace, { restarting: () => {}, nodesChange: () => {} })
  const steps = walk(seed, ms, SHAPE)
  const sum = (count: (subject: Subject) => number): number => subjects.reduce((all, one) => all + count(one), 0)
  const handlesBefore = count().handles
  const samples: Sample[] = []
  const began = performance.now()
  let stopped = false
  const tell = setInterval(() => {
    const now = { elapsed: performance.now() - began, faults: conductor.now, violations: trace.violations.length }
    progress?.({ ...now, calls: sum(({ counts }) => counts.calls) })
  }, 200)
  const sampler = setInterval(() => {
    samples.push({ at: performance.now() - began, heap: heapUsed(), ...count(), journal: backlog(caches) })
  }, every)
  try {
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
      await conductor.play(steps, ms)
      clearInterval(sampler)
      well = await recovered(caches, RECOVERY)
    } finally {
      stopped = true
      await Promise.all(calls)
    }
    return {
      ms,
      samples,
      faults: steps.map(({ at }) => at),
      calls: sum(({ counts }) => counts.calls),
      late: sum(({ counts }) => counts.late),
      wrong: judges.reduce((all, { wrong }) => all + wrong, 0),
      rejected: subjects.flatMap(({ counts }) => Object.values(counts.rejected)).reduce((all, some) => all + some, 0),
      growth: heapGrowth(samples),
      handles: { before: handlesBefore, after: count().handles },
      recovered: well,
    }
  } finally {
    clearInterval(tell)
    clearInterval(sampler)
    stall.stop()
    await world.closeCaches()
  }
}

/** Remembers nothing, so that it does not grow: a value is right when it is for its key, and was there. */
function keyJudge(truth: Truth): Judge {
  let order = 0
  let wrong = 0
  return {
    get wrong() {
      return wrong
    },
    stale: 0,
    allowed: {},
    now: () => ({ order: ++order, at: performance.now() }),
    changing: () => () => {},
    read: (key, value) => {
      const { key: of, seq } = (value ?? {}) as Partial<Value>
      if (of === key && typeof seq === 'number' && seq <= truth.seq(key)) return undefined
      wrong++
      return `wrong: a read of ${key} gave ${JSON.stringify(value).slice(0, 200)}`
    },
  }
}

function count(): { handles: number; timers: number } {
  let [handles, timers] = [0, 0]
  for (const [kind, some] of resources()) {
    if (kind === 'Timeout') timers += some
    else if (kind !== 'Immediate') handles += some
  }
  return { handles, timers }
}

function backlog(caches: readonly ShardedCache[]): number {
  return caches.flatMap((cache) => cache.stats().nodes).reduce((sum, { journal }) => sum + journal.keys, 0)
}
