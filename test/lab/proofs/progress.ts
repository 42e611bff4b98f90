import { SingleBar } from 'cli-progress'
import pc from 'picocolors'

/** Shows how far a proof is: a bar on a terminal, elsewhere a line at every tenth. */
export interface ProofProgress {
  readonly tell: (done: number, of: number) => void
  readonly done: () => void
}

/** @param what is counted, in the plural */
export function bar(what: string): ProofProgress {
  if (!process.stdout.isTTY) {
    let told = 0
    return {
      tell: (done, of) => {
        if (done < ((told + 1) * of) / 10) return
        told = Math.floor((done * 10) / of)
        console.log(`${done} of ${of} ${what}`)
      },
      done: () => {},
    }
  }
  const single = new SingleBar({
    stream: process.stdout,
    format: `${pc.blue('{bar}')} {value} of {total} ${what}`,
    barCompleteChar: '━',
    barIncompleteChar: '─',
    barsize: 32,
    clearOnComplete: true,
    hideCursor: true,
  })
  let started = false
  return {
    tell: (done, of) => {
      if (!started) single.start(of, 0)
      started = true
      single.update(done)
    },
    done: () => single.stop(),
  }
}
