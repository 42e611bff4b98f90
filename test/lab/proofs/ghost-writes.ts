import { parseArgs } from 'node:util'
import pc from 'picocolors'
import { FlagError, numberFlag } from '../chaos/flags.ts'
import { holds, isControl, KINDS, trialsOf, type Kind } from './ghost-writes-plan.ts'
import { runTrial, type Tally, type Trial } from './ghost-writes-trial.ts'
import { openVenue } from './ghost-writes-venue.ts'
import { bar } from './progress.ts'

export const name: string = 'ghost-writes'
export const about: string = `a write that was given up never undoes what came after it: [--rounds 200] [--seconds 12] [--kind ${KINDS.join('|')}]`

/** How many rounds share a cable, and how many cables there are at a time. */
const BATCH = 50
const CABLES = 8

/** Runs the proof and its control; resolves to the exit code. */
export async function run(flags: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...flags],
    options: {
      rounds: { type: 'string', default: '200' },
      seconds: { type: 'string', default: '12' },
      kind: { type: 'string', multiple: true, default: [...KINDS] },
    },
  })
  const rounds = numberFlag('rounds', values.rounds, [1, 1_000_000])
  const watch = numberFlag('seconds', values.seconds, [1, 3_600]) * 1_000
  const kinds = values.kind.map(kindOf)
  const tallies = await runAll(kinds.flatMap(trialsOf), rounds, watch)
  console.log(table(tallies))
  const wrong = tallies.filter((tally) => !holds(tally))
  const controls = tallies.filter(({ trial }) => isControl(trial)).length
  if (wrong.length === 0) {
    const proved = `no ghost in ${sum(tallies.filter(({ trial }) => !isControl(trial))).toLocaleString('en-US')} rounds`
    console.log(pc.green(controls > 0 ? `${proved}; the controls have theirs` : proved))
    return 0
  }
  for (const { trial } of wrong) console.log(pc.red(`not as it must be: ${words(trial).join(', ')}`))
  return 1
}

function kindOf(given: string): Kind {
  const kind = KINDS.find((each) => each === given)
  if (kind === undefined) throw new FlagError(`--kind must be one of ${KINDS.join(', ')}; given: ${given}`)
  return kind
}

async function runAll(trials: readonly Trial[], rounds: number, watch: number): Promise<Tally[]> {
  const progress = bar('rounds')
  const tallies: Tally[] = []
  let next = 0
  let over = 0
  const done = (): void => progress.tell(++over, trials.length * rounds)
  const lane = async (): Promise<void> => {
    for (;;) {
      const index = next++
      const trial = trials[index]
      if (trial === undefined) return
      const venue = await openVenue(trial.way)
      try {
        tallies[index] = await runTrial(trial, venue, { rounds, batch: BATCH, watch, done })
      } catch (error) {
        // The others end, too: without this one the table says nothing.
        next = trials.length
        throw error
      } finally {
        await venue.close()
      }
    }
  }
  await Promise.all(Array.from({ length: CABLES }, lane)).finally(progress.done)
  return tallies
}

function sum(tallies: readonly Tally[]): number {
  return tallies.reduce((all, { rounds }) => all + rounds, 0)
}

const WAYS: Readonly<Record<Trial['way'], string>> = {
  redis5: 'Redis, ioredis 5',
  redis6: 'Redis, ioredis 6',
  'redis5-tls': 'Redis, TLS, ioredis 5',
  'redis6-tls': 'Redis, TLS, ioredis 6',
  memcached: 'memcached, memjs',
}
const FAULTS: Readonly<Record<Trial['fault'], string>> = {
  cut: 'cut off',
  'cut up': 'cut off, there only',
  'cut down': 'cut off, back only',
  stop: 'stopped',
}
const PARTIES: Readonly<Record<Trial['party'], string>> = {
  cache: 'the cache',
  node: 'its node alone',
  'node, closing': 'control: closing',
  client: 'control: client alone',
}
const NEXT: Readonly<Record<Trial['next'], string>> = {
  set: 'SET',
  delete: 'DEL',
  replay: 'DEL, from the journal',
}

function words({ way, party, fault, gives, behind, next }: Trial): string[] {
  const gave = gives === 'set' ? 'SET' : 'DEL'
  const given = behind === undefined ? gave : `${gave} behind ${behind} others`
  return [WAYS[way], PARTIES[party], FAULTS[fault], given, NEXT[next]]
}

function table(tallies: readonly Tally[]): string {
  const head = ['server', 'who', 'fault', 'given up', 'then', 'rounds', 'done anyway', 'ghosts', 'after ms', 'served']
  const count = (n: number): string => n.toLocaleString('en-US')
  const lines = tallies.map(({ trial, rounds, arrived, ghosts, after, served }) => {
    const range = after.length === 0 ? '' : `${Math.round(Math.min(...after))}–${Math.round(Math.max(...after))}`
    const known = trial.gives === 'set' && trial.behind === undefined
    return [...words(trial), count(rounds), known ? count(arrived) : '', count(ghosts), range, count(served)]
  })
  const widths = head.map((word, i) => Math.max(word.length, ...lines.map((cells) => (cells[i] as string).length)))
  const line = (cells: readonly string[]): string =>
    cells.map((cell, i) => (i < 5 ? cell.padEnd(widths[i] as number) : cell.padStart(widths[i] as number))).join('  ')
  const notes = [
    'done anyway: given-up writes that the server did all the same, before or after what came then',
    'ghosts: rounds in which the given-up command undid what was acknowledged after it',
    'served: rounds in which the one who wrote read a value that was removed',
  ]
  return ['', pc.dim(line(head)), ...lines.map(line), ...notes.map((note) => pc.dim(note))].join('\n')
}
