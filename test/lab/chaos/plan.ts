import { below, pick, pickWeighted, seeded, type Random } from '../random.ts'
import type { Direction } from '../proxy.ts'

/** What a walk may strike: the servers, by name. */
export interface Shape {
  /** `disk`: it can be saved and come back with data. */
  readonly servers: readonly {
    readonly name: string
    readonly kind: 'redis' | 'memcached'
    readonly replica?: boolean
    readonly disk?: boolean
  }[]
  /** How many caches there are, each with a link of its own to each server. */
  readonly caches: number
}

/** Trouble with a server, with one cache's link to it, with the list of nodes, or with this process. */
export type Fault =
  /** Killed, and started again empty. */
  | { readonly kind: 'kill'; readonly server: string }
  /** Saved, killed after `gap` ms, and started again with what was saved. */
  | { readonly kind: 'kill with data'; readonly server: string; readonly gap: number }
  /** SIGSTOP, SIGCONT. */
  | { readonly kind: 'stop'; readonly server: string }
  /** `maxmemory` so low that every write is refused; a replica of nobody; `CLIENT PAUSE`; a script that does not end. */
  | { readonly kind: 'out of memory' | 'read-only' | 'client pause' | 'busy script'; readonly server: string }
  | { readonly kind: 'delay'; readonly server: string; readonly cache: number; readonly by: number }
  /** Nothing passes; it is held back. */
  | { readonly kind: 'blackhole'; readonly server: string; readonly cache: number; readonly way: Direction | undefined }
  | {
      readonly kind: 'cut'
      readonly server: string
      readonly cache: number
      readonly way: Direction
      readonly at: number
      readonly how: 'reset' | 'fin'
      readonly times: number
    }
  | {
      readonly kind: 'insert'
      readonly server: string
      readonly cache: number
      readonly bytes: string
      readonly chunk: number
    }
  | {
      readonly kind: 'flip'
      readonly server: string
      readonly cache: number
      readonly at: number
      readonly mask: number
    }
  | {
      readonly kind: 'drop'
      readonly server: string
      readonly cache: number
      readonly at: number
      readonly bytes: number
    }
  | { readonly kind: 'split'; readonly server: string; readonly cache: number; readonly size: number }
  | { readonly kind: 'refuse'; readonly server: string; readonly cache: number; readonly how: 'closed' | 'reset' }
  | { readonly kind: 'reset all'; readonly server: string; readonly cache: number; readonly how: 'reset' | 'fin' }
  /** A node leaves, and joins again; or has another weight for a while. */
  | { readonly kind: 'remove node'; readonly node: string }
  | { readonly kind: 'reweight'; readonly node: string; readonly weight: number }
  /** The event loop stands still. */
  | { readonly kind: 'stall' }

export type FaultKind = Fault['kind']

/** A fault that begins `at` ms into the walk, and heals `ms` later. */
export interface Step {
  readonly at: number
  readonly ms: number
  readonly fault: Fault
}

const WEIGHTS: Readonly<Record<FaultKind, number>> = {
  kill: 4,
  'kill with data': 6,
  stop: 5,
  'out of memory': 2,
  'read-only': 3,
  'client pause': 2,
  'busy script': 1,
  delay: 4,
  blackhole: 6,
  cut: 5,
  insert: 5,
  flip: 4,
  drop: 3,
  split: 2,
  refuse: 3,
  'reset all': 3,
  'remove node': 2,
  reweight: 2,
  stall: 2,
}

/** For how long a fault lasts: at least, and by chance up to, in milliseconds. */
const LASTS: Readonly<Partial<Record<FaultKind, readonly [number, number]>>> = {
  kill: [100, 1_500],
  'kill with data': [100, 1_500],
  'busy script': [150, 400],
  stall: [50, 300],
  'reset all': [0, 0],
  'remove node': [100, 2_000],
}
const USUALLY: readonly [number, number] = [100, 1_500]
const FIRST_AT = 300
/** Between the beginnings of two faults. */
const PAUSE: readonly [number, number] = [50, 800]

/** The replies of both protocols that fit most, and some that fit nothing. */
const SURPLUS = [
  '+OK\r\n',
  ':1\r\n',
  '$-1\r\n',
  '_\r\n',
  'STORED\r\n',
  'DELETED\r\n',
  'END\r\n',
  '\r\n',
  '$5\r\nhello\r\n',
]

/** Faults whose bytes nobody sent: while one of them may strike, nothing else happens to that server. */
const LIES: ReadonlySet<FaultKind> = new Set<FaultKind>(['insert', 'flip', 'drop'])

/**
 * The faults of one seed, in the order they begin: the same ones every time, and a longer walk begins with the shorter one.
 * At most one fault holds a server, and one each link to it, at a time.
 */
export function walk(seed: number, ms: number, shape: Shape): Step[] {
  const random = seeded(seed)
  const heldUntil = new Map<string, number>()
  const steps: Step[] = []
  for (let at = FIRST_AT; at < ms; at += between(random, PAUSE)) {
    const kind = pickWeighted(random, WEIGHTS)
    const lasts = between(random, LASTS[kind] ?? USUALLY)
    const fault = drawFault(kind, random, shape)
    const holds = held(fault, shape)
    if (holds.some((place) => (heldUntil.get(place) ?? 0) > at)) continue
    for (const place of holds) heldUntil.set(place, at + lasts + (fault.kind === 'kill with data' ? fault.gap : 0))
    steps.push({ at, ms: lasts, fault })
  }
  return steps
}

/** What a fault keeps others from; faults that hold the same place follow each other. */
export function held(fault: Fault, shape: Shape): string[] {
  if (fault.kind === 'stall') return ['process']
  if ('node' in fault) return ['nodes']
  if (!('cache' in fault)) return [`server ${fault.server}`]
  if (!LIES.has(fault.kind)) return [`link ${fault.cache} ${fault.server}`]
  const links = Array.from({ length: shape.caches }, (_, cache) => `link ${cache} ${fault.server}`)
  return [`server ${fault.server}`, ...links]
}

function drawFault(kind: FaultKind, random: Random, shape: Shape): Fault {
  const all = shape.servers
  const name = (some: Shape['servers'] = all): string => pick(random, some).name
  const primaries = all.filter(({ replica }) => !replica)
  const link = (): { server: string; cache: number } => ({ server: name(), cache: below(random, shape.caches) })
  switch (kind) {
    case 'kill':
    case 'stop':
      return { kind, server: name() }
    case 'kill with data':
      return { kind, server: name(all.filter(({ disk }) => disk)), gap: between(random, [50, 600]) }
    case 'out of memory':
    case 'read-only':
    case 'client pause':
    case 'busy script':
      return { kind, server: name(primaries.filter((one) => one.kind === 'redis')) }
    case 'delay':
      return { kind, ...link(), by: between(random, [5, 400]) }
    case 'blackhole':
      return { kind, ...link(), way: pick(random, [{ way: undefined }, { way: 'up' }, { way: 'down' }] as const).way }
    case 'cut': {
      const way = pick(random, ['up', 'down'] as const)
      const how = pick(random, ['reset', 'fin'] as const)
      return { kind, ...link(), way, how, at: below(random, 2_000), times: 1 + below(random, 3) }
    }
    case 'insert': {
      const garbage = String.fromCharCode(...Array.from({ length: 1 + below(random, 40) }, () => below(random, 256)))
      const bytes = random() < 0.25 ? garbage : pick(random, SURPLUS)
      return { kind, ...link(), bytes, chunk: below(random, 20) }
    }
    case 'flip':
      return { kind, ...link(), at: below(random, 4_000), mask: 1 << below(random, 8) }
    case 'drop':
      return { kind, ...link(), at: below(random, 4_000), bytes: 1 + below(random, 100) }
    case 'split':
      return { kind, ...link(), size: 1 + below(random, 60) }
    case 'refuse':
      return { kind, ...link(), how: pick(random, ['closed', 'reset'] as const) }
    case 'reset all':
      return { kind, ...link(), how: pick(random, ['reset', 'fin'] as const) }
    case 'remove node':
      return { kind, node: name(primaries) }
    case 'reweight':
      return { kind, node: name(primaries), weight: pick(random, [0.25, 0.5, 2, 4]) }
    case 'stall':
      return { kind }
  }
}

function between(random: Random, [least, most]: readonly [number, number]): number {
  return Math.round(least + random() * (most - least))
}
