import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { LaneUrls } from './cycles-node.ts'
import type { Question, Reply } from './cycles-second.ts'

/** Another process with caches of its own on the same nodes. */
export interface Second {
  /** Which of these keys it finds on a lane. */
  read(lane: number, keys: readonly string[]): Promise<readonly string[]>
  stop(): Promise<void>
}

export async function startSecond(lanes: readonly LaneUrls[], naive: boolean): Promise<Second> {
  const child = fork(fileURLToPath(new URL('./cycles-second.ts', import.meta.url)), {
    execArgv: ['--import', 'tsx'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const waiting = new Map<number, (found: readonly string[]) => void>()
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const send = (question: Question): void => void child.send(question)
  let last = 0
  const ask = async (lane: number, keys: readonly string[]): Promise<readonly string[]> => {
    const id = ++last
    const reply = new Promise<readonly string[]>((resolve) => waiting.set(id, resolve))
    send({ id, lane, keys })
    return Promise.race([reply, gone.then(() => Promise.reject(new Error('the second process ended')))])
  }
  await new Promise<void>((resolve, reject) => {
    child.on('message', (reply: Reply) => {
      if ('ready' in reply) return resolve()
      waiting.get(reply.id)?.(reply.found)
      waiting.delete(reply.id)
    })
    child.once('error', reject)
    void gone.then(() => reject(new Error('the second process ended')))
    send({ lanes, naive })
  })
  return {
    read: (lane, keys) => ask(lane, keys),
    stop: async () => {
      if (child.connected) child.disconnect()
      await gone
    },
  }
}
