import { SingleBar } from 'cli-progress'
import pc from 'picocolors'

/** Hears of every step of a run. */
export interface Progress {
  /** A step begins. */
  step(task: string): void
  done(): void
}

export const silent: Progress = { step: () => {}, done: () => {} }

/** A progress bar on a terminal; silence where the output is not one. */
export function progressBar(total: number): Progress {
  if (!process.stdout.isTTY) return silent
  const bar = new SingleBar({
    stream: process.stdout,
    format: `${pc.blue('{bar}')} {percentage} % ${pc.dim('{task}')}`,
    barCompleteChar: '━',
    barIncompleteChar: '─',
    barsize: 32,
    clearOnComplete: true,
    hideCursor: true,
  })
  bar.start(total, 0, { task: '' })
  return {
    step: (task) => bar.increment(1, { task }),
    done: () => bar.stop(),
  }
}
