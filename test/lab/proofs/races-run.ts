import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { startRedis } from '../../support/servers.ts'
import { addCounts, noCounts, type RaceCounts, type RacerPlan, type RacerReport, type RacesRow } from './races-plan.ts'

export interface RacesOptions {
  readonly seed: number
  readonly progress?: (races: number) => void
}

/** Runs the races of one row, on servers and in processes of its own. */
export async function runRaces(row: RacesRow, { seed, progress }: RacesOptions): Promise<RaceCounts> {
  const [server, truth] = await Promise.all([startRedis(), startRedis()])
  const all = Array.from({ length: row.caches }, (_, index) => index)
  // What is in the memory of one process cannot be shared with another one.
  const shares = row.backend === 'memory' ? [all] : all.map((index) => [index])
  const children: Child[] = []
  try {
    for (const own of shares) {
      children.push(new Child({ row, own, node: server.url, truth: truth.port, seed }, progress))
    }
    await Promise.all(children.map(({ ready }) => ready))
    for (const child of children) child.go()
    const counts = noCounts()
    for (const child of children) addCounts(counts, await child.counts)
    return counts
  } finally {
    await Promise.all(children.map((child) => child.stop()))
    await Promise.all([server.stop(), truth.stop()])
  }
}

class Child {
  readonly ready: Promise<void>
  readonly counts: Promise<RaceCounts>
  readonly #process: ChildProcess
  readonly #gone: Promise<void>

  constructor(plan: RacerPlan, progress: RacesOptions['progress']) {
    this.#process = fork(fileURLToPath(new URL('./races-child.ts', import.meta.url)), {
      execArgv: ['--import', 'tsx'],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    this.#gone = new Promise((resolve) => this.#process.once('exit', () => resolve()))
    const ended = this.#gone.then(() => Promise.reject(new Error('a process of the races ended')))
    let isReady!: () => void
    let tell!: (counts: RaceCounts) => void
    const ready = new Promise<void>((resolve) => (isReady = resolve))
    const counts = new Promise<RaceCounts>((resolve) => (tell = resolve))
    this.#process.on('message', (report: RacerReport) => {
      if ('ready' in report) isReady()
      else if ('counts' in report) tell(report.counts)
      else progress?.(report.races)
    })
    this.ready = Promise.race([ready, ended])
    this.counts = Promise.race([counts, ended])
    this.counts.catch(() => {})
    this.ready.catch(() => {})
    this.#process.send(plan)
  }

  go(): void {
    this.#process.send('go')
  }

  async stop(): Promise<void> {
    if (this.#process.connected) this.#process.disconnect()
    await this.#gone
  }
}
