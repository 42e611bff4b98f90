import { parseArgs } from 'node:util'
import pc from 'picocolors'
import { numberFlag } from '../chaos/flags.ts'
import { openBuilt } from './in-flight-cache.ts'
import { DEADLINE, GRACE, runBare, runInFlight, type InFlightResult, type Storm } from './in-flight-run.ts'
import { table, whole } from './in-flight-table.ts'

export const name: string = 'in-flight'
export const about: string =
  'with all nodes stopped, every load under way is answered by its loader in time: [--calls 10000] [--loads 5000]'

/** What the cache may add to a load at the median while circuits are open, in milliseconds. */
const MOST_ADDED = 1

/** Runs the proof and its control; resolves to the exit code. */
export async function run(flags: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...flags],
    options: { calls: { type: 'string', default: '10000' }, loads: { type: 'string', default: '5000' } },
  })
  const calls = numberFlag('calls', values.calls, [10, 20_000])
  const loads = numberFlag('loads', values.loads, [100, 1_000_000])
  const result = await runInFlight({
    open: openBuilt,
    storms: storms(calls),
    loads,
    warmUp: 20_000,
    progress: (text) => console.log(pc.dim(`${text} …`)),
  })
  const bare = await runBare(calls)
  console.log([stormTable(result), restTable(result, bare)].join('\n'))
  const problems = faults(result, bare)
  const late = result.storms.filter(({ slowest }) => slowest > DEADLINE + GRACE)
  const how = late.length === 0 ? '' : ', what this process was late by itself taken off'
  const proved = `all loads answered within the deadline, their own time and ${GRACE} ms${how}; the control answers none`
  console.log(`\n${problems.length === 0 ? pc.green(proved) : pc.red(problems.join('; '))}`)
  return problems.length === 0 ? 0 : 1
}

function storms(calls: number): Storm[] {
  const all = { calls, keys: calls, loader: 0 }
  return [
    { ...all, name: 'all in one turn', over: 0 },
    { ...all, name: `over ${DEADLINE} ms`, over: DEADLINE },
    { ...all, name: `over ${DEADLINE} ms, loader 20 ms`, over: DEADLINE, loader: 20 },
    { ...all, name: `over ${DEADLINE} ms, ten calls per key`, over: DEADLINE, keys: Math.ceil(calls / 10) },
  ]
}

/** What does not hold, in words. */
function faults(result: InFlightResult, bare: number): string[] {
  const { storms: all, alone, together, unhandled, left } = result
  return [
    ...all.flatMap(({ storm, answered, over }) => [
      ...(answered === storm.calls ? [] : [`${storm.name}: ${storm.calls - answered} calls were not answered`]),
      ...(over <= GRACE ? [] : [`${storm.name}: a call was ${Math.round(over)} ms late`]),
    ]),
    ...(alone.median <= MOST_ADDED && together.median <= MOST_ADDED ? [] : ['an open circuit adds more than 1 ms']),
    ...unhandled,
    ...left.map((what) => `left after close(): ${what}`),
    ...(bare === 0 ? [] : ['the control answered calls']),
  ]
}

function stormTable({ storms: all }: InFlightResult): string {
  const head = ['calls', 'keys', 'answered', 'begun', 'settled', 'median', 'slowest', 'beyond', 'behind', 'busy']
  const rows = all.map((one) => {
    const { storm, answered, begun, settled, median, slowest, over, behind, busy } = one
    return [storm.name, ...[storm.keys, answered, begun, settled, median, slowest, over, behind, busy].map(whole)]
  })
  const notes = [
    'begun, settled: when the last call was, from the first one on; busy: for how long this process worked meanwhile',
    'median, slowest: of a call, without its own load; behind: by how much this process was late with what was due',
    'beyond: the most that a call took over its deadline, what this process was late by meanwhile taken off',
  ]
  return [table('All six servers stopped (ms)', head, rows, 1), ...notes.map((note) => pc.dim(note))].join('\n')
}

function restTable({ alone, together, recovered, closed }: InFlightResult, bare: number): string {
  const rows = [
    ['added to a load, one after another: median, p99', `${alone.median.toFixed(3)}, ${alone.p99.toFixed(3)}`],
    ['added to a load, 100 at a time: median, p99', `${together.median.toFixed(3)}, ${together.p99.toFixed(3)}`],
    ['all circuits closed after SIGCONT', whole(recovered)],
    ['close()', whole(closed)],
    ['control: calls that ioredis alone answers in twice the time', whole(bare)],
  ]
  return table('Circuits open, and afterwards (ms)', ['', ''], rows, 1)
}
