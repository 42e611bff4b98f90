import { checkCount, checkFlag, checkOneOf, checkOptions, type Unchecked } from '../../base/check.ts'
import { MAX_TIMER } from '../../base/clock.ts'
import { parseDuration, type Duration } from '../../base/duration.ts'
import { OptionError, quote } from '../../base/errors.ts'

/** What a fault can strike. `remove` is every removal, the conditional one too; `info` asks a server about itself. */
export type FaultOperation = 'connect' | 'read' | 'write' | 'remove' | 'lease' | 'info'

/** The code of an injected error. */
export type FaultCode =
  'ERR_NODE' | 'ERR_NODE_DOWN' | 'ERR_NODE_TIMEOUT' | 'ERR_NODE_UNREADY' | 'ERR_NODE_BUSY' | 'ERR_AUTH'

/** What a rule strikes: everything, unless told otherwise. */
export interface FaultTarget {
  /** One kind of operation; any unless given. */
  operation?: FaultOperation
  /**
   * A key, a pattern, or a function that says whether (and does not throw). It sees stored keys: those have the cache's
   * `namespace` and the space's prefix in front (`shop:user:1`), and long ones are hashed; `cache.explain(key).storedKey`
   * tells. Any unless given; a rule with `keys` leaves alone what has none, `connect` and `info`.
   */
  keys?: string | RegExp | ((storedKey: string) => boolean)
  /** `'primary'`, `'replica'` (each of them), or the address of one; any unless given. */
  member?: string
  /** How likely it strikes where it could, 0 to 1, by the lab's seed; 1 unless given. */
  probability?: number
  /** How often it strikes at most; without bound unless given. */
  times?: number
}

/** Operations are passed on later. One that waits when the connection is lost is not passed on any more. */
export interface DelayFault extends FaultTarget {
  fault: 'delay'
  /** How much later; at most 2^31 - 1 ms. On the cache's clock, so that a `ManualClock` moves it. */
  ms: Duration
}

/** The server answers with an error: only the keys struck fail, and they are not read, written or removed. */
export interface ErrorFault extends FaultTarget {
  fault: 'error'
  /** Unless given `'ERR_NODE'`, with which servers answer what they refuse. */
  code?: FaultCode
}

/** Operations are neither carried out nor answered. They fail with `ERR_NODE_DOWN` once the connection is reset, lost or closed. */
export interface HangFault extends FaultTarget {
  fault: 'hang'
}

/** The connection breaks: the operation struck and all others under way on it fail with `ERR_NODE_DOWN`. */
export interface DropFault extends FaultTarget {
  fault: 'drop'
  /**
   * `true`: the operation struck is carried out, and only its answer is lost; a caller cannot tell. `false` (the default): it
   * is not.
   */
  applied?: boolean
}

/** A byte of each value read is changed; which one and how comes from the lab's seed. What is stored stays as it is. */
export interface CorruptFault extends FaultTarget {
  fault: 'corrupt'
  operation?: 'read'
}

/**
 * The server is gone until the rule is taken back: its connections break, and everything fails at once with
 * `ERR_NODE_DOWN`. Goes before all other rules, in whatever order they were injected. For an end of the server itself, with a
 * new `runId` afterwards, call `restart` of the lab too.
 */
export interface DownFault extends Pick<FaultTarget, 'member'> {
  fault: 'down'
}

/**
 * One rule of a fault laboratory.
 *
 * `delay`, `hang`, `drop` and `down` strike an operation as a whole, however many keys it has: `probability` is drawn once,
 * and a strike counts once. `error` and `corrupt` strike keys: drawn and counted for each.
 */
export type FaultRule = DelayFault | ErrorFault | HangFault | DropFault | CorruptFault | DownFault

/** What strikes an operation as a whole. */
export type WholeEffect =
  | { readonly fault: 'delay'; readonly ms: number }
  | { readonly fault: 'hang' | 'down' }
  | { readonly fault: 'drop'; readonly applied: boolean }

/** What strikes a key. */
type KeyEffect = { readonly fault: 'error'; readonly code: FaultCode } | { readonly fault: 'corrupt' }

/** A checked rule. */
export interface Rule {
  readonly effect: WholeEffect | KeyEffect
  readonly operation: FaultOperation | undefined
  readonly member: string | undefined
  readonly probability: number
  readonly times: number
  /** Whether it is about this key; `undefined` for an operation that has none. */
  fits(key: string | undefined): boolean
}

const OPERATIONS = ['connect', 'read', 'write', 'remove', 'lease', 'info'] as const
const CODES = [
  'ERR_NODE',
  'ERR_NODE_DOWN',
  'ERR_NODE_TIMEOUT',
  'ERR_NODE_UNREADY',
  'ERR_NODE_BUSY',
  'ERR_AUTH',
] as const satisfies readonly FaultCode[]

const TARGET = ['operation', 'keys', 'member', 'probability', 'times'] as const
/** The options of each fault. */
const OPTIONS: { readonly [F in FaultRule['fault']]: readonly string[] } = {
  delay: ['ms', ...TARGET],
  error: ['code', ...TARGET],
  hang: TARGET,
  drop: ['applied', ...TARGET],
  corrupt: TARGET,
  down: ['member'],
}

/** The names of the faults. */
export const FAULTS = Object.keys(OPTIONS) as readonly FaultRule['fault'][]

/**
 * Checks a rule. One that could never strike is refused: it is a mistake.
 *
 * @param members what `member` may be
 * @throws OptionError `ERR_OPTION`
 */
export function checkRule(given: unknown, members: readonly string[]): Rule {
  const { fault: named } = checkOptions(given, 'a fault rule', Object.keys(given ?? {}))
  const fault = checkOneOf(named, 'fault', FAULTS)
  const options = checkOptions(given, `a rule of the fault '${fault}'`, ['fault', ...OPTIONS[fault]])
  const { operation: wanted, keys, member, probability, times } = options
  const effect = checkEffect(fault, options)
  const operation = wanted === undefined ? undefined : checkOneOf(wanted, 'operation', OPERATIONS)
  if (fault === 'corrupt' && (operation ?? 'read') !== 'read') {
    throw new OptionError('ERR_OPTION', `only what is read can be corrupted; given: operation ${quote(operation)}`)
  }
  if (keys !== undefined && (operation === 'connect' || operation === 'info')) {
    throw new OptionError('ERR_OPTION', `${operation} has no keys; given: keys ${quote(keys)}`)
  }
  return {
    effect,
    operation: fault === 'corrupt' ? 'read' : operation,
    member: member === undefined ? undefined : checkOneOf(member, 'member', members),
    probability: probability === undefined ? 1 : checkProbability(probability),
    times: times === undefined ? Infinity : checkCount(times, 'times'),
    fits: checkKeys(keys),
  }
}

function checkEffect(fault: FaultRule['fault'], { ms, code, applied }: Unchecked): Rule['effect'] {
  switch (fault) {
    case 'delay':
      return { fault, ms: checkDelay(ms) }
    case 'error':
      return { fault, code: code === undefined ? 'ERR_NODE' : checkOneOf(code, 'code', CODES) }
    case 'drop':
      return { fault, applied: applied === undefined ? false : checkFlag(applied, 'applied') }
    case 'hang':
    case 'down':
    case 'corrupt':
      return { fault }
  }
}

function checkDelay(given: unknown): number {
  const ms = parseDuration(given, 'ms')
  if (ms <= MAX_TIMER) return ms
  throw new OptionError('ERR_OPTION', `ms must be at most ${MAX_TIMER} ms; given: ${quote(given)}`)
}

function checkProbability(given: unknown): number {
  if (typeof given === 'number' && given >= 0 && given <= 1) return given
  throw new OptionError('ERR_OPTION', `probability must be a number from 0 to 1; given: ${quote(given)}`)
}

function checkKeys(given: unknown): Rule['fits'] {
  if (given === undefined) return () => true
  const fits = keyTest(given)
  return (key) => key !== undefined && fits(key)
}

function keyTest(given: unknown): (key: string) => boolean {
  if (typeof given === 'string' && given !== '') return (key) => key === given
  if (typeof given === 'function') return (key) => Boolean((given as (key: string) => unknown)(key))
  if (given instanceof RegExp) {
    const pattern = new RegExp(given)
    return (key) => {
      // A pattern with the flag g or y would go on where it last matched.
      pattern.lastIndex = 0
      return pattern.test(key)
    }
  }
  throw new OptionError('ERR_OPTION', `keys must be a key, a RegExp or a function; given: ${quote(given)}`)
}
