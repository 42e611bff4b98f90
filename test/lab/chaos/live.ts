import { SingleBar } from 'cli-progress'
import pc from 'picocolors'
import type { Progress } from './run.ts'

/** Shows how a run goes: a live line on a terminal, elsewhere a line now and then. */
export interface Live {
  tell(now: Progress): void
  done(): void
}

/** Where there is no terminal, a line this often, in milliseconds. */
const EVERY = 10_000

export function live(ms: number): Live {
  if (!process.stdout.isTTY) {
    let next = EVERY
    return {
      tell: ({ elapsed, calls, violations }) => {
        if (elapsed < next) return
        next += EVERY
        console.log(`${Math.round(elapsed / 1_000)} s: ${calls} calls, ${violations} violations`)
      },
      done: () => {},
    }
  }
  const bar = new SingleBar({
    stream: process.stdout,
    format: `${pc.blue('{bar}')} {time} s  {calls} calls  {bad}  ${pc.dim('{faults}')}`,
    barCompleteChar: '━',
    barIncompleteChar: '─',
    barsize: 24,
    clearOnComplete: true,
    hideCursor: true,
    noTTYOutput: false,
  })
  bar.start(ms, 0, { time: '0', calls: 0, bad: '', faults: '' })
  return {
    tell: ({ elapsed, faults, calls, violations }) => {
      const bad = violations === 0 ? pc.green('no violations') : pc.red(`${violations} violations`)
      const now = elapsed < ms ? faults.join(', ') : 'waiting until all nodes are back'
      const room = Math.max(10, (process.stdout.columns ?? 80) - 70)
      const words = now.length > room ? `${now.slice(0, room - 1)}…` : now
      bar.update(Math.min(ms, elapsed), { time: (elapsed / 1_000).toFixed(0), calls, bad, faults: words })
    },
    done: () => bar.stop(),
  }
}
