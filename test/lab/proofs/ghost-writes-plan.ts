import type { Tally, Trial } from './ghost-writes-trial.ts'
import type { Way } from './ghost-writes-venue.ts'

/** The parts of the proof. */
export const KINDS = ['tcp', 'tls', 'memjs', 'control', 'variants'] as const
export type Kind = (typeof KINDS)[number]

const WAYS: Readonly<Record<'tcp' | 'tls' | 'memjs', readonly Way[]>> = {
  tcp: ['redis5', 'redis6'],
  tls: ['redis5-tls', 'redis6-tls'],
  memjs: ['memcached'],
}
const ALL: readonly Way[] = Object.values(WAYS).flat()
/** The promise itself: a SET is given up during a silent partition, and a DEL acknowledged after it. */
const PROMISE = { fault: 'cut', gives: 'set', next: 'delete' } as const
const NEWER = { gives: 'delete', next: 'set' } as const

/** What is tried. */
export function trialsOf(kind: Kind): Trial[] {
  if (kind === 'control') return parties(ALL, ['node, closing', 'client'])
  if (kind === 'variants') return (['redis6', 'redis6-tls', 'memcached'] as const).flatMap(variants)
  return parties(WAYS[kind], ['node', 'cache'])
}

function parties(ways: readonly Way[], of: readonly Trial['party'][]): Trial[] {
  return ways.flatMap((way) => of.map((party) => ({ way, party, ...PROMISE })))
}

function variants(way: Way): Trial[] {
  return [
    { way, party: 'node', ...PROMISE, fault: 'cut up' },
    { way, party: 'node', ...PROMISE, fault: 'cut down' },
    { way, party: 'node', ...PROMISE, fault: 'stop' },
    { way, party: 'node', ...PROMISE, fault: 'stop', behind: 500 },
    { way, party: 'cache', ...PROMISE, fault: 'stop', next: 'replay' },
    { way, party: 'cache', ...PROMISE, next: 'replay' },
    { way, party: 'node', ...NEWER, fault: 'cut' },
    { way, party: 'node', ...NEWER, fault: 'stop' },
    { way, party: 'cache', ...NEWER, fault: 'cut' },
    { way, party: 'node, closing', ...NEWER, fault: 'cut' },
  ]
}

/** Whether nothing protects here, and what the others prevent must be seen. */
export function isControl({ party }: Trial): boolean {
  return party === 'node, closing' || party === 'client'
}

/** Whether a trial came out as it must. */
export function holds({ trial, arrived, ghosts, served }: Tally): boolean {
  if (isControl(trial)) return ghosts > 0
  // What had reached the server before the connection was dropped is done, but before everything that comes later.
  const reachedIt = trial.fault === 'cut down' || trial.fault === 'stop'
  return ghosts === 0 && served === 0 && (reachedIt || arrived === 0)
}
