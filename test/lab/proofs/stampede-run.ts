import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { startRedis } from '../../support/servers.ts'
import type { StampedeAnswers, StampedePlan, StampedeReport, StampedeResult } from './stampede-plan.ts'

/** Between two looks at a key that another process loads, in milliseconds: the longest pause there is. */
const PAUSE = 150

/** All processes ask for one key that is not there, `rounds` times, each time another key; or once, when one is killed. */
export async function runStampede(plan: StampedePlan, rounds: number): Promise<StampedeResult[]> {
  const server = await startRedis()
  const crowd: Member[] = []
  const results: StampedeResult[] = []
  try {
    for (let round = 0; round < rounds; round++) {
      while (crowd.length < plan.processes) crowd.push(new Member(plan, server.url))
      await Promise.all(crowd.map(({ ready }) => ready))
      results.push(await oneStampede(plan, crowd, `cold-${round}`))
    }
    return results
  } finally {
    await Promise.all(crowd.map((member) => member.stop()))
    await server.stop()
  }
}

/** Leaves in `crowd` those that live. */
async function oneStampede(plan: StampedePlan, crowd: Member[], key: string): Promise<StampedeResult> {
  let loads = 0
  let victim: Member | undefined
  const loading = (member: Member): void => {
    loads++
    if (!plan.kills || victim) return
    victim = member
    member.kill()
  }
  const all = await Promise.all(crowd.map((member) => member.ask(key, () => loading(member))))
  if (victim) crowd.splice(crowd.indexOf(victim), 1)
  const answers = all.filter((one) => one !== 'killed')
  // A look finds what was loaded; when the first one died, another look before it finds that its lease has ended.
  const time = plan.load + PAUSE + (plan.kills ? plan.lease + PAUSE : 0)
  const sum = (pick: (one: StampedeAnswers) => number): number => answers.reduce((total, one) => total + pick(one), 0)
  return {
    loads,
    answered: sum(({ answered }) => answered),
    wrong: sum(({ wrong }) => wrong),
    slowest: Math.max(...answers.map(({ slowest }) => slowest)),
    stalled: Math.max(...answers.map(({ stalled }) => stalled)),
    over: Math.max(...answers.map(({ slowest, stalled }) => slowest - stalled - time)),
  }
}

class Member {
  readonly ready: Promise<void>
  readonly #process: ChildProcess
  readonly #gone: Promise<void>
  #killed = false

  constructor(plan: StampedePlan, url: string) {
    this.#process = fork(fileURLToPath(new URL('./stampede-child.ts', import.meta.url)), {
      execArgv: ['--import', 'tsx'],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    this.#gone = new Promise((resolve) => this.#process.once('exit', () => resolve()))
    const ready = new Promise<void>((resolve) => {
      this.#process.once('message', () => resolve())
    })
    const ended = this.#gone.then(() => Promise.reject(new Error('a process of the stampede ended')))
    this.ready = Promise.race([ready, ended])
    this.ready.catch(() => {})
    this.#process.send({ plan, url })
  }

  ask(key: string, loading: () => void): Promise<StampedeAnswers | 'killed'> {
    return new Promise((resolve, reject) => {
      const listen = (report: StampedeReport): void => {
        if ('loading' in report) loading()
        else if ('answers' in report) {
          this.#process.off('message', listen)
          resolve(report.answers)
        }
      }
      this.#process.on('message', listen)
      void this.#gone.then(() => {
        if (this.#killed) resolve('killed')
        else reject(new Error('a process of the stampede ended'))
      })
      this.#process.send(key)
    })
  }

  /** `kill -9` */
  kill(): void {
    this.#killed = true
    this.#process.kill('SIGKILL')
  }

  async stop(): Promise<void> {
    if (this.#process.connected) this.#process.disconnect()
    await this.#gone
  }
}
