import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { UnhandledMeter } from '../lab/meters.ts'
import { holds, isControl, trialsOf } from '../lab/proofs/ghost-writes-plan.ts'
import { NotReady, runTrial, type Tally, type Trial } from '../lab/proofs/ghost-writes-trial.ts'
import { openVenue, type Venue } from '../lab/proofs/ghost-writes-venue.ts'
import { neverAny } from '../support/steady.ts'

// The proof in small; `npm run prove -- ghost-writes` runs it in full.
/** One of several that gets no processor time may do an old write after another one has answered to a newer command. */
const ONE_THREAD = ['-t', '1']
const ROUNDS = { rounds: 10, batch: 10, watch: 3_000 }

/** All at once: what takes time is to wait for what must not come. Those that could not begin are done then, one by one. */
async function run(trials: readonly Trial[]): Promise<Tally[]> {
  const venues: Venue[] = []
  let tallies: (Tally | undefined)[]
  try {
    for (const { way } of trials) venues.push(await openVenue(way, ONE_THREAD))
    tallies = await Promise.all(trials.map((trial, i) => attempt(trial, venues[i] as Venue)))
  } finally {
    await Promise.all(venues.map((venue) => venue.close()))
  }
  const all: Tally[] = []
  for (const [i, tally] of tallies.entries()) all.push(tally ?? (await runOne(trials[i] as Trial)))
  return all
}

async function attempt(trial: Trial, venue: Venue): Promise<Tally | undefined> {
  try {
    return await runTrial(trial, venue, ROUNDS)
  } catch (error) {
    if (!(error instanceof NotReady)) throw error
    return undefined
  }
}

async function runOne(trial: Trial): Promise<Tally> {
  const venue = await openVenue(trial.way, ONE_THREAD)
  try {
    return await runTrial(trial, venue, ROUNDS)
  } finally {
    await venue.close()
  }
}

/**
 * What became of a trial, where nothing must have arrived: if something has, of the trial alone, a few times. With all of them
 * at once a server may be so short of processor time that a first write, which was given up and tried again, is done only when
 * the writes have been counted. What undoes an acknowledged command, or is served, has no such excuse.
 */
async function alone(trial: Trial, first: Tally): Promise<Tally> {
  let tally = first
  for (let more = 3; ; more--) {
    neverAny({ ghosts: tally.ghosts, served: tally.served })
    if (tally.arrived === 0 || more === 0) return tally
    tally = await runOne(trial)
  }
}

const NONE = { rounds: 10, ghosts: 0, served: 0 }
const unhandled = new UnhandledMeter()
afterAll(() => {
  unhandled.stop()
  expect(unhandled.errors).toEqual([])
})

describe('a write that was given up in a silent partition', () => {
  const trials = [...trialsOf('tcp'), ...trialsOf('tls'), ...trialsOf('memjs'), ...trialsOf('control')]
  let tallies: Tally[]
  beforeAll(async () => {
    tallies = await run(trials)
  })
  const of = (wanted: Trial): Tally => tallies[trials.indexOf(wanted)] as Tally

  it.each(trials.filter((trial) => !isControl(trial)))('is never done: $way, $party', async (trial) => {
    expect(await alone(trial, of(trial))).toMatchObject({ ...NONE, arrived: 0 })
  })
  it.each(trials.filter(isControl))('control: is done all the same: $way, $party', (trial) => {
    expect(of(trial).arrived).toBe(10)
  })
  it('control: comes after a later removal', async () => {
    const controls = trials.filter(isControl)
    let ghosts = controls.reduce((all, trial) => all + of(trial).ghosts, 0)
    // On a machine so busy that every removal came after them there are none; then fewer are tried at once.
    for (let again = 0; ghosts === 0 && again < 5; again++) {
      ghosts = (await runOne(controls.at(-1) as Trial)).ghosts
    }
    expect(ghosts).toBeGreaterThan(0)
  })
})

describe('what was given up otherwise', () => {
  const trials = trialsOf('variants').filter((trial) => trial.way !== 'redis6-tls' && !isControl(trial))
  let tallies: Tally[]
  beforeAll(async () => {
    tallies = await run(trials)
  })

  it.each(trials)('$way, $party, $fault, $gives then $next', async (trial) => {
    let tally = tallies[trials.indexOf(trial)] as Tally
    if (!holds(tally)) tally = await alone(trial, tally)
    expect(tally).toSatisfy(holds)
    // With no way back, or a server that merely stands still, it was done: before what came then.
    if (trial.fault === 'cut down') expect(tally.arrived).toBe(10)
  })
})
