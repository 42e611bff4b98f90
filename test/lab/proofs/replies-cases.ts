import { below, pick, seeded, type Random } from '../random.ts'
import type { Fault } from '../proxy-rules.ts'

/** What stands between the cache and a server: a client library, or the one of this package for memcached. */
export type Way = 'ioredis 5' | 'ioredis 6' | 'memcached'

export const WAYS: readonly Way[] = ['ioredis 5', 'ioredis 6', 'memcached']

/** What is under way when the reply is spoilt: one call, or 32 of all kinds at once. */
export type Victim = 'get' | 'getMany' | 'set' | 'delete' | 'crowd'

/** Replies that nobody asked for. `duplicate` is that of another key, as the server would give it. */
export type Surplus = 'duplicate' | 'noise' | '$5\r\nhello\r\n' | '+OK\r\n' | ':1\r\n' | '$-1\r\n'

/** What is done to a reply. */
export type Harm = Exclude<Fault, { kind: 'insert' }> | { readonly kind: 'insert'; readonly surplus: Surplus }

/** One spoilt reply. */
export interface Case {
  readonly victim: Victim
  readonly harm: Harm
  /** At which byte of what comes next from the server. */
  readonly at: number
  /** The size of the pieces that the reply comes in, each read by itself; absent: in one. */
  readonly split?: number
}

/** The name under which a harm is counted. */
export function nameOf(harm: Harm): string {
  switch (harm.kind) {
    case 'cut':
      return `cut (${harm.how === 'fin' ? 'FIN' : 'RST'})`
    case 'insert':
      return `insert ${harm.surplus === 'noise' ? 'noise' : harm.surplus === 'duplicate' ? 'a duplicate' : 'a reply'}`
    case 'drop':
      return 'drop bytes'
    case 'flip':
      return 'flip a byte'
    case 'hold':
      return 'hold'
  }
}

const LONGEST_DROP = 9
/** Which part of the cases is not about the bytes of a GET. */
const OTHERS = 0.25

/**
 * The cases of one way: every byte of a GET's reply with every kind of harm, as far as `count` goes, and for a quarter of
 * them other calls, 32 at once, and surplus replies.
 *
 * @param length of the reply to a GET, in bytes
 */
export function planCases(way: Way, length: number, count: number, seed: number): Case[] {
  const random = seeded(seed)
  const others = Math.ceil(count * OTHERS)
  const everyByte: Case[] = []
  // All bytes with one harm each, before any byte has its second.
  for (let round = 0; everyByte.length < count - others; round++) {
    const order = shuffle(
      Array.from({ length }, (_, at) => at),
      random,
    )
    for (const at of order) everyByte.push({ victim: 'get', harm: atByte(at + round, random), at })
  }
  const cases = everyByte.slice(0, count - others)
  for (let i = 0; i < others; i++) cases.push(other(way, length, i, random))
  return shuffle(cases, random)
}

/** Rising numbers give all kinds in turn, so that a byte's harms differ from round to round. */
function atByte(turn: number, random: Random): Harm {
  const kinds: readonly Harm[] = [
    { kind: 'cut', how: 'reset' },
    { kind: 'cut', how: 'fin' },
    { kind: 'flip', mask: 1 << below(random, 8) },
    { kind: 'drop', bytes: 1 + below(random, LONGEST_DROP) },
    { kind: 'insert', surplus: 'noise' },
  ]
  return kinds[turn % kinds.length] as Harm
}

function other(way: Way, length: number, turn: number, random: Random): Case {
  const victim = pick(random, ['get', 'getMany', 'set', 'delete', 'crowd', 'crowd'] as const)
  const surplus: readonly Surplus[] =
    way === 'memcached' ? ['duplicate'] : ['duplicate', '$5\r\nhello\r\n', '+OK\r\n', ':1\r\n', '$-1\r\n']
  const end = victim === 'get' ? length : victim === 'getMany' ? 8 * length : victim === 'crowd' ? 16 * length : 5
  const harm: Harm =
    turn % 2 === 0
      ? { kind: 'insert', surplus: pick(random, surplus) }
      : turn % 10 === 1
        ? { kind: 'hold' }
        : atByte(below(random, 5), random)
  // A surplus reply comes before the one that was asked for, or behind it; anything else falls anywhere.
  const at = harm.kind === 'insert' && harm.surplus !== 'noise' ? pick(random, [0, 0, length]) : below(random, end)
  return { victim, harm, at, ...(below(random, 3) === 0 ? { split: pick(random, [1, 7, 64]) } : {}) }
}

function shuffle<T>(items: readonly T[], random: Random): T[] {
  const left = [...items]
  for (let i = left.length - 1; i > 0; i--) {
    const j = below(random, i + 1)
    ;[left[i], left[j]] = [left[j] as T, left[i] as T]
  }
  return left
}
