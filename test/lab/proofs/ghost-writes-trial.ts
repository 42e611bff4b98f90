import { soon } from '../../support/servers.ts'
import { openBare } from './ghost-writes-bare.ts'
import { closePlainly, openCache, openNode, type Party } from './ghost-writes-party.ts'
import { Lookout, type Venue, type Way } from './ghost-writes-venue.ts'

/** How long a party may take to be in order again, in milliseconds. */
const LONGEST = 60_000

/** What is done in each round of a row of the table. */
export interface Trial {
  readonly way: Way
  /** The cache; a node of it by itself; the same with the resets of its connections replaced by closes; the client library alone. */
  readonly party: 'cache' | 'node' | 'node, closing' | 'client'
  /** The cable loses all packets, those to the server, those back from it; or the server is stopped. */
  readonly fault: 'cut' | 'cut up' | 'cut down' | 'stop'
  /** What is given up while the fault lasts. */
  readonly gives: 'set' | 'delete'
  /** How many other writes go before it on the same connection; none unless given. */
  readonly behind?: number
  /**
   * What is acknowledged after that, and must hold from then on: its opposite, or the removal that the cache noted down
   * while the fault lasted, and makes up for.
   */
  readonly next: 'set' | 'delete' | 'replay'
}

/** What came of all rounds of a trial. */
export interface Tally {
  readonly trial: Trial
  rounds: number
  /** Given-up writes (not deletes) that the server did all the same, before or after what came later; others before them count, too. */
  arrived: number
  /** Rounds in which the given-up command undid what was acknowledged after it. */
  ghosts: number
  /** When that was first seen, in milliseconds after the acknowledgement. */
  readonly after: number[]
  /** Rounds in which the cache gave a value that it must not. */
  served: number
}

export interface TrialOptions {
  rounds: number
  /** How many rounds run at the same time, behind one cable. */
  batch: number
  /** For how long the key is looked at after the acknowledgement, in milliseconds. */
  watch: number
  /** Told of each round that is over. */
  done?: () => void
}

interface Round {
  readonly party: Party
  acknowledged?: number
  seen?: number
  served?: boolean
}

/**
 * How long a fault lasts, in milliseconds. What was sent is sent again about 0.2, 0.7, 1.5, 3.2, 6.5 and 13 s later, and a
 * connection that is tried for meanwhile comes 1.1 s after the beginning. So a newer command is acknowledged between two
 * attempts of the older one.
 */
const FAULT = 900
const READY_EVERY = 50
const LOOK_EVERY = 20
const READ_EVERY = 500

/** Runs the rounds of a trial, batch after batch. */
export async function runTrial(trial: Trial, venue: Venue, options: TrialOptions): Promise<Tally> {
  const { rounds, batch, watch, done } = options
  const tally: Tally = { trial, rounds: 0, arrived: 0, ghosts: 0, after: [], served: 0 }
  const stop = trial.party === 'node, closing' ? closePlainly(venue) : (): void => {}
  try {
    while (tally.rounds < rounds) {
      const names = Array.from({ length: Math.min(batch, rounds - tally.rounds) }, (_, n) => `k${tally.rounds + n}`)
      await runBatch(trial, venue, names, watch, tally)
      for (const _ of names) done?.()
    }
  } finally {
    stop()
  }
  return tally
}

async function runBatch(trial: Trial, venue: Venue, names: string[], watch: number, tally: Tally): Promise<void> {
  const open = trial.party === 'client' ? openBare : trial.party === 'cache' ? openCache : openNode
  const parties = await Promise.all(names.map((name) => open(venue, name)))
  const lookout = new Lookout(venue.server)
  try {
    const rounds: Round[] = parties.map((party) => ({ party }))
    await Promise.all(parties.map((party) => prepare(party, trial)))
    const before = await lookout.writes()
    const mend = strike(venue, trial.fault)
    try {
      const end = performance.now() + FAULT
      await Promise.all(parties.map((party) => giveUp(party, trial)))
      await pause(end - performance.now())
      // A connection is dropped in the turn of the event loop after its time is over, unless the answer comes first.
      await new Promise((resolve) => setImmediate(resolve))
    } finally {
      mend()
    }
    const acknowledged = Promise.all(rounds.map((round) => acknowledge(round, trial)))
    await observe(rounds, trial, lookout, watch, acknowledged)
    tally.rounds += rounds.length
    tally.arrived += trial.gives === 'set' ? (await lookout.writes()) - before : 0
    for (const { seen, served } of rounds) {
      if (seen !== undefined) tally.after.push(seen)
      if (seen !== undefined) tally.ghosts++
      if (served) tally.served++
    }
  } finally {
    lookout.close()
    await Promise.all(parties.map((party) => party.close()))
  }
}

/** A party that was not in order before any fault: nothing has been tried yet. */
export class NotReady extends Error {}

/**
 * Its connection is up, and the key is as the command that will be given up finds it. Hundreds wait at once, and a circuit that
 * opened is probed after a second at the earliest: to ask often would only take the time that the probe needs.
 */
async function prepare(party: Party, { gives }: Trial): Promise<void> {
  const ready = (command: () => Promise<boolean>): Promise<boolean> => soon(command, LONGEST, READY_EVERY)
  if (!(await ready(() => party.set()))) throw new NotReady('no first write')
  if (gives === 'set' && !(await ready(() => party.delete()))) throw new NotReady('no first removal')
}

function strike({ namespace, server }: Venue, fault: Trial['fault']): () => void {
  if (fault === 'stop') {
    server.pause()
    return () => server.resume()
  }
  namespace.partition(fault === 'cut' ? undefined : fault === 'cut up' ? 'up' : 'down')
  return () => namespace.heal()
}

async function giveUp(party: Party, { gives, next, behind }: Trial): Promise<void> {
  if (await (gives === 'set' ? party.set(behind) : party.delete()))
    throw new Error(`a ${gives} was acknowledged by a server that cannot be reached`)
  if (next === 'replay' && ((await party.delete()) || !party.owes())) throw new Error('no removal was noted down')
}

async function acknowledge(round: Round, { next }: Trial): Promise<void> {
  const { party } = round
  await party.connect()
  const done = next === 'replay' ? (): boolean => !party.owes() : party[next]
  if (!(await soon(done, LONGEST, LOOK_EVERY))) throw new Error(`waited ${LONGEST} ms for a ${next}`)
  round.acknowledged = performance.now()
}

/** Looks at all keys, again and again, until `watch` milliseconds after the last acknowledgement, or all are ghosts. */
async function observe(
  rounds: readonly Round[],
  { next }: Trial,
  lookout: Lookout,
  watch: number,
  acknowledged: Promise<unknown>,
): Promise<void> {
  const keys = rounds.map(({ party }) => party.key)
  let end = Infinity
  let read = 0
  void acknowledged.then(
    () => (end = performance.now() + watch),
    () => (end = 0),
  )
  while (performance.now() < end && rounds.some(({ seen }) => seen === undefined)) {
    const at = performance.now()
    const since = rounds.map(({ acknowledged: from = Infinity }) => at - from)
    for (const [i, there] of (await lookout.look(keys)).entries()) {
      const round = rounds[i] as Round
      const after = since[i] as number
      if (after > 0 && there !== (next === 'set')) round.seen ??= after
    }
    if (next !== 'set' && at - read > READ_EVERY) {
      read = at
      await Promise.all(
        rounds.map(async (round, i) => {
          if ((since[i] as number) > 0 && (await round.party.reads())) round.served = true
        }),
      )
    }
    await pause(LOOK_EVERY)
  }
  await acknowledged
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
