import { startRedis } from '../../test/support/servers.ts'
import { Child } from '../kit/child.ts'
import { takePart, type LeftOut } from '../kit/contender.ts'
import type { Server } from '../kit/loading-cache.ts'
import { machine, type Machine } from '../kit/machine.ts'
import type { Progress } from '../kit/progress.ts'
import { median } from '../kit/stats.ts'
import { CONTENDERS } from './contenders.ts'
import { crowdTitle, type Crowd } from './crowd.ts'
import type { Answer, Order } from './worker.ts'

/** What a contender made of it: over the rounds, the median and the most. */
export interface Outcome {
  readonly contender: string
  /** How often the loader ran, in all processes. */
  readonly loads: number
  readonly mostLoads: number
  /** Of all callers, in milliseconds. */
  readonly medianWait: number
  readonly slowestWait: number
}

export interface Results {
  readonly machine: Machine
  readonly versions: Readonly<Record<string, string>>
  readonly leftOut: readonly LeftOut[]
  readonly rounds: number
  /** How long the loader takes, in milliseconds. */
  readonly load: number
  readonly crowds: readonly (Crowd & { readonly outcomes: readonly Outcome[] })[]
}

export interface Plan {
  readonly rounds: number
  readonly load: number
  readonly crowds: readonly Crowd[]
}

/** How many steps {@link measureStampede} reports. */
export function countSteps({ rounds, crowds }: Plan): number {
  return takePart(CONTENDERS).taking.length * crowds.length * (rounds + 1)
}

export async function measureStampede(plan: Plan, progress: Progress): Promise<Results> {
  const { taking, leftOut, versions } = takePart(CONTENDERS)
  const server = await startRedis()
  try {
    const crowds: Results['crowds'][number][] = []
    for (const crowd of plan.crowds) {
      crowds.push({ ...crowd, outcomes: await measureCrowd(crowd, taking, server, plan, progress) })
    }
    return { machine: machine(), versions, leftOut, rounds: plan.rounds, load: plan.load, crowds }
  } finally {
    await server.stop()
  }
}

async function measureCrowd(
  { processes, callers }: Crowd,
  taking: readonly (typeof CONTENDERS)[number][],
  { host, port }: Server,
  { rounds, load }: Plan,
  progress: Progress,
): Promise<Outcome[]> {
  const children = new Map<string, Child<Order, Answer>[]>()
  const askAll = (name: string, order: Order): Promise<Answer[]> =>
    Promise.all((children.get(name) ?? []).map((child) => child.ask(order)))
  try {
    for (const one of taking) {
      const program = new URL('./worker.ts', import.meta.url)
      children.set(
        one.name,
        Array.from({ length: processes }, () => new Child(program, one)),
      )
      await askAll(one.name, { open: one.name, server: { host, port } })
    }
    const found = new Map<string, Answer[][]>(taking.map(({ name }) => [name, []]))
    // The first round is to get warm.
    for (let round = -1; round < rounds; round++) {
      for (let i = 0; i < taking.length; i++) {
        const { name } = taking[(i + round + 1) % taking.length] as (typeof taking)[number]
        progress.step(`${crowdTitle({ processes, callers })}: ${name}`)
        const key = `${name.replaceAll(/\W/g, '-')}-${processes}-${round + 1}`
        const answers = await askAll(name, { key, callers, load, at: Date.now() + 30 })
        if (round >= 0) found.get(name)?.push(answers)
      }
    }
    for (const { name } of taking) await askAll(name, { close: true })
    return [...found].map(([contender, answers]) => outcome(contender, answers))
  } finally {
    await Promise.all([...children.values()].flat().map((child) => child.stop()))
  }
}

function outcome(contender: string, rounds: readonly (readonly Answer[])[]): Outcome {
  const loads = rounds.map((answers) => answers.reduce((all, one) => all + one.loads, 0))
  const waits = rounds.map((answers) => answers.flatMap((one) => one.waits))
  return {
    contender,
    loads: median(loads),
    mostLoads: Math.max(...loads),
    medianWait: median(waits.map(median)),
    slowestWait: median(waits.map((all) => Math.max(...all))),
  }
}
