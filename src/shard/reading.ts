import type { Budget } from '../base/budget.ts'
import type { Clock } from '../base/clock.ts'
import type { Deadlines } from '../base/deadlines.ts'
import type { ErrorCode } from '../base/errors.ts'
import { Slice } from '../base/slice.ts'
import { allFailed, anyFailed, countFailures, isFailure } from '../node/contract.ts'
import type { Guard } from '../node/guard.ts'
import { vouch } from '../node/powers.ts'
import type { SliceOutcome } from '../node/slices.ts'
import { Answers, noAnswers, type Source } from './answers.ts'

/** What reads need. */
export interface ReadingContext {
  readonly clock: Clock
  readonly deadlines: Deadlines
  readonly budget: Budget
  /** How many more commands a read may cost. */
  readonly retries: number
  /** Whose data the others copy. */
  readonly primary: Guard
  random(): number
  /** Told when another server than the first one in order gave an answer. */
  failedOver(from: Guard, to: Guard, keys: number): void
}

/** Before a server is asked again that failed a moment ago, in milliseconds: at least, and by chance as much again. */
const PAUSE = 10

/**
 * Reads keys from the first server in order that can be read, within `ms` altogether. For those that failed it goes on to
 * the next server, or after a pause back to the first, as often as `retries` and the budget allow. Servers whose circuit is
 * open are passed over, at no cost.
 */
export function readInOrder(
  order: readonly Guard[],
  keys: readonly string[],
  ms: number,
  context: ReadingContext,
): Promise<Answers> {
  const first = order[0]
  if (first === undefined) return Promise.resolve(noAnswers(keys.length))
  if (order.length === 1 && first === context.primary) {
    return new Promise((resolve, reject) => readFromOnly(first, keys, ms, context, resolve, reject))
  }
  context.budget.earn()
  return readFromOne(order, first, keys, ms, context)
}

/**
 * Reads keys from the only server there is, as {@link readInOrder} does, for somebody who has no promise of his own for it;
 * see `Calls.begin`.
 *
 * @param now monotonic
 */
export function readFromOnly(
  only: Guard,
  keys: readonly string[],
  ms: number,
  context: ReadingContext,
  came: (answers: Answers) => void,
  failed: (error: unknown) => void,
  now: number = context.clock.monotonic(),
): void {
  context.budget.earn()
  const source = sourceOf(only)
  const tell = (outcomes: SliceOutcome[]): void => {
    const answers = new Answers(outcomes, source)
    if (context.retries === 0 || !anyFailed(outcomes)) came(answers)
    else readAgain(answers, only, only, [], keys, now + ms, context).then(came, failed)
  }
  only.beginRead(keys, ms, tell, now)
}

async function readFromOne(
  order: readonly Guard[],
  first: Guard,
  keys: readonly string[],
  ms: number,
  context: ReadingContext,
): Promise<Answers> {
  const { clock, retries } = context
  const end = clock.monotonic() + ms
  const usable = order.filter((guard) => guard.usable)
  // With nobody to ask, the first one says why.
  const next = usable.shift() ?? first
  const answers = await ask(next, first, keys, usable.length > 0 && retries > 0 ? ms / 2 : ms, context)
  const { outcomes } = answers
  if (next !== first) context.failedOver(first, next, countGood(outcomes))
  return anyFailed(outcomes) ? readAgain(answers, first, next, usable, keys, end, context) : answers
}

/**
 * Reads those keys again that failed, and puts into the answers what comes of it.
 *
 * @param asked who was asked last
 * @param usable who may be asked next
 */
async function readAgain(
  answers: Answers,
  first: Guard,
  asked: Guard,
  usable: Guard[],
  keys: readonly string[],
  end: number,
  context: ReadingContext,
): Promise<Answers> {
  const { clock, budget, retries } = context
  const { outcomes } = answers
  let last = asked
  for (let retry = 0; retry < retries; retry++) {
    const other = nextUsable(usable)
    const guard = other ?? last
    // One that owes an answer is not asked again. When nodes fail, thousands of keys may come here at once.
    if (end - clock.monotonic() < 1 || (other === undefined && !guard.responsive)) break
    const failed = outcomes.flatMap((outcome, at) => (worthAnother(outcome, other !== undefined) ? [at] : []))
    if (failed.length === 0) break
    if (other === undefined && !((await pause(context, end)) && guard.responsive)) break
    const left = end - clock.monotonic()
    if (left < 1 || !guard.usable || !budget.take()) break
    const again = await ask(
      guard,
      first,
      failed.map((at) => keys[at] as string),
      usable.length > 0 && retry + 1 < retries ? left / 2 : left,
      context,
    )
    answers.put(failed, again)
    if (guard !== first) context.failedOver(first, guard, countGood(again.outcomes))
    last = guard
  }
  return answers
}

/** Takes the next one out of the list; a circuit may have opened since it was made. */
function nextUsable(guards: Guard[]): Guard | undefined {
  let next = guards.shift()
  while (next !== undefined && !next.usable) next = guards.shift()
  return next
}

/**
 * Reads from one server. What a replica gives in place of a primary that is not in touch counts only if the replica says
 * afterwards that its data are not another history's: the primary may have restarted with old data, unseen from here, and
 * the replica have copied them.
 *
 * @param first who is to be read if all are well
 */
async function ask(
  guard: Guard,
  first: Guard,
  keys: readonly string[],
  ms: number,
  { clock, primary }: ReadingContext,
): Promise<Answers> {
  const source = sourceOf(guard)
  const end = clock.monotonic() + ms
  const answers = new Answers(await guard.read(keys, ms), source)
  const inTouch = primary.state === 'up' && primary.responsive
  if (guard === primary || (first !== primary && inTouch)) return answers
  if (!answers.outcomes.some((outcome) => outcome instanceof Slice)) return answers
  const failure = await vouch(guard, () => end - clock.monotonic())
  return failure ? new Answers(allFailed(failure, keys.length), source) : answers
}

function sourceOf(guard: Guard): Source {
  return { guard, generation: guard.generation }
}

function countGood(outcomes: readonly SliceOutcome[]): number {
  return outcomes.length - countFailures(outcomes)
}

/**
 * Whether another attempt may end otherwise: at another server, unless we are the ones who have too much under way; at the
 * same one, when it was not there or not ready.
 */
function worthAnother(outcome: SliceOutcome, elsewhere: boolean): boolean {
  if (!isFailure(outcome) || outcome.code === 'ERR_NODE_BUSY') return false
  return elsewhere || PASSING.has(outcome.code)
}

const PASSING: ReadonlySet<ErrorCode> = new Set(['ERR_NODE_DOWN', 'ERR_NODE_TIMEOUT', 'ERR_NODE_UNREADY'])

/** Says whether there is time left after it; when there would be none, it is not made. */
function pause({ deadlines, random, clock }: ReadingContext, end: number): Promise<boolean> {
  const ms = PAUSE * (1 + random())
  if (clock.monotonic() + ms >= end) return Promise.resolve(false)
  return new Promise((resolve) => void deadlines.set(ms, () => resolve(true)))
}
