import { checkCount, checkFlag, checkOneOf, checkOptions, checkText, type Unchecked } from './base/check.ts'
import { systemClock, type Clock } from './base/clock.ts'
import { parseDuration, type Duration } from './base/duration.ts'
import { OptionError, quote } from './base/errors.ts'
import { checkPoints } from './cluster/topology.ts'
import { DEFAULT_FORM, type Form } from './entry/form.ts'
import { checkForm, FORM_OPTIONS, type FormOptions } from './entry/form-options.ts'
import { checkNamespace } from './entry/key.ts'
import { checkGate, type Gate } from './loading/gate.ts'
import {
  checkLoadPolicy,
  DEFAULT_POLICY,
  LOAD_POLICY,
  type LoadPolicy,
  type LoadPolicyOptions,
} from './loading/policy.ts'
import type { NodeSpec } from './node/spec.ts'
import { DEFAULT_POINTS } from './placement/ring.ts'
import { checkJournal, type JournalLimits, type JournalOptions } from './shard/journal.ts'
import { checkReadPolicy, type ReadPolicy } from './shard/read-policy.ts'
import { L1, type L1Options } from './tier/l1.ts'

/** What a cache and a space have in common: how values are kept, and for how long. */
export interface SpaceOptions extends FormOptions, LoadPolicyOptions {
  /** Which servers of a node answer reads; `'prefer-primary'` unless given. */
  reads?: ReadPolicy
}

/** Options of `ShardedCache.create`. */
export interface CacheOptions extends SpaceOptions {
  /** The nodes: at least one, from `redisNode`, `memcachedNode`, `memoryNode` or `customNode`. */
  nodes: readonly NodeSpec[]
  /** Keeps this cache's keys apart from others on the same servers: stored keys are `namespace:key`. None unless given. */
  namespace?: string
  /** The in-process tier. Off unless given. */
  l1?: L1Options
  /** How long one caller waits for one node; `'250ms'` unless given. */
  nodeTimeout?: Duration
  /** Points on the ring per weight unit; 1,024 unless given. All processes that share nodes must agree on it. */
  points?: number
  /** The zone this process runs in, for `reads: 'nearest'`. */
  zone?: string
  /**
   * How many more commands a read may cost when the first one fails, within the same `nodeTimeout`: at another member, else
   * once more after a short pause; 1 unless given, at most 10. Only reads are ever tried again, and in the long run at most
   * every fifth.
   */
  retries?: number
  /**
   * `true`: while a node's primary cannot be asked, its keys go to the next node on the ring, for at most half of the nodes.
   * Entries live there for at most a minute, and the node is told to remove what it has of them. Unless given, they are
   * misses.
   */
  eject?: boolean
  /** How many loaders run at once, in this process; unlimited unless given. Further ones wait. */
  maxConcurrentLoads?: number
  /** How many loaders may wait for that; 10,000 unless given. Further ones reject with `ERR_LOAD_BUSY`. */
  maxQueuedLoads?: number
  /** Knows which keys cannot exist: those are neither read nor loaded. `bloomFilter` makes one. */
  gate?: Gate
  /** How many deletes that a node missed are remembered for it. */
  journal?: JournalOptions
  /** `'miss'` (the default): trouble with a node never rejects a call. `'throw'`: it rejects with the NodeError. */
  onNodeError?: 'miss' | 'throw'
  /** Where time comes from; the machine's clock unless given. For tests: `ManualClock` of `sharded-cache/testing`. */
  clock?: Clock
  /** Numbers in [0, 1); `Math.random` unless given. For tests. */
  random?: () => number
}

/** Checked {@link SpaceOptions}; times in milliseconds. */
export interface SpaceSettings {
  readonly form: Form
  readonly policy: LoadPolicy
  readonly reads: ReadPolicy
}

/** Checked {@link CacheOptions}; times in milliseconds. */
export interface Settings extends SpaceSettings {
  readonly nodes: readonly NodeSpec[]
  readonly namespace: string
  readonly l1: L1 | undefined
  readonly nodeTimeout: number
  readonly points: number
  readonly zone: string | undefined
  readonly retries: number
  readonly eject: boolean
  readonly maxConcurrentLoads: number
  readonly maxQueuedLoads: number
  readonly gate: Gate | undefined
  readonly journal: JournalLimits
  readonly onNodeError: 'miss' | 'throw'
  readonly clock: Clock
  readonly random: () => number
}

const SPACE_OPTIONS: readonly string[] = [...FORM_OPTIONS, ...LOAD_POLICY, 'reads']
const CACHE_OPTIONS: readonly string[] = [
  'nodes',
  'namespace',
  'l1',
  'nodeTimeout',
  'points',
  'zone',
  'retries',
  'eject',
  'journal',
  'onNodeError',
  'clock',
  'random',
  'maxConcurrentLoads',
  'maxQueuedLoads',
  'gate',
  ...SPACE_OPTIONS,
]

const DEFAULTS: SpaceSettings = { form: DEFAULT_FORM, policy: DEFAULT_POLICY, reads: 'prefer-primary' }

/**
 * Checks the options of a cache, once.
 *
 * @throws OptionError `ERR_OPTION`
 */
export function checkCacheOptions(given: unknown): Settings {
  const options = checkOptions(given, 'the options of create', CACHE_OPTIONS)
  const { clock = systemClock, random = Math.random, nodeTimeout = 250, onNodeError = 'miss' } = options
  const { now, monotonic, setTimer } = (clock ?? {}) as Partial<Clock>
  if ([now, monotonic, setTimer].some((method) => typeof method !== 'function')) {
    throw new OptionError('ERR_OPTION', `clock must have now, monotonic and setTimer; given: ${quote(clock)}`)
  }
  if (typeof random !== 'function') {
    throw new OptionError('ERR_OPTION', `random must be a function; given: ${quote(random)}`)
  }
  return {
    ...spaceSettings(options, DEFAULTS),
    // Checked where the topology is made, as those of setNodes are.
    nodes: options['nodes'] as readonly NodeSpec[],
    namespace: checkNamespace(options['namespace']),
    l1: options['l1'] === undefined ? undefined : new L1(options['l1'] as L1Options, clock as Clock),
    nodeTimeout: parseDuration(nodeTimeout, 'nodeTimeout'),
    points: checkPoints(options['points'] === undefined ? DEFAULT_POINTS : options['points']),
    zone: options['zone'] === undefined ? undefined : checkText(options['zone'], 'zone'),
    retries: checkRetries(options['retries']),
    eject: options['eject'] === undefined ? false : checkFlag(options['eject'], 'eject'),
    maxConcurrentLoads: countOr(options, 'maxConcurrentLoads', Infinity),
    maxQueuedLoads: countOr(options, 'maxQueuedLoads', 10_000),
    gate: checkGate(options['gate']),
    journal: checkJournal(options['journal']),
    onNodeError: checkOneOf(onNodeError, 'onNodeError', ['miss', 'throw']),
    clock: clock as Clock,
    random: random as () => number,
  }
}

function countOr(options: Unchecked, name: string, otherwise: number): number {
  return options[name] === undefined ? otherwise : checkCount(options[name], name)
}

function checkRetries(given: unknown): number {
  const retries = given === undefined ? 1 : checkCount(given, 'retries', 0)
  if (retries > 10) throw new OptionError('ERR_OPTION', `retries must be at most 10; given: ${retries}`)
  return retries
}

/**
 * Checks the options of a space; what is left out comes from the cache's.
 *
 * @throws OptionError `ERR_OPTION`
 */
export function checkSpaceOptions(given: unknown, base: SpaceSettings): SpaceSettings {
  return given === undefined ? base : spaceSettings(checkOptions(given, 'the options of space', SPACE_OPTIONS), base)
}

function spaceSettings(options: Unchecked, base: SpaceSettings): SpaceSettings {
  return {
    form: checkForm(options, base.form),
    policy: checkLoadPolicy(options, base.policy),
    reads: options['reads'] === undefined ? base.reads : checkReadPolicy(options['reads']),
  }
}
