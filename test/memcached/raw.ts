import { createConnection } from 'node:net'
import { until, type TestServer } from '../support/servers.ts'

/** Sends lines of memcached's text protocol over a bare connection and gives the reply: for looking at a server from outside. */
export function memcachedText(port: number, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(port, '127.0.0.1', () => socket.write(`${command}\r\nquit\r\n`))
    let text = ''
    socket.on('data', (data) => (text += String(data)))
    socket.once('error', reject)
    socket.once('close', () => resolve(text))
  })
}

/** The seconds an entry has left; -1 when it lives for ever, `undefined` when there is none. */
export async function secondsLeft(port: number, key: string): Promise<number | undefined> {
  const left = /^HD t(-?\d+)/.exec(await memcachedText(port, `mg ${key} t`))?.[1]
  return left === undefined ? undefined : Number(left)
}

/** Makes a server hang; resolves when it answers no more (a signal takes a moment to stop a process). */
export async function hang(server: TestServer): Promise<void> {
  server.pause()
  await until(async () => !(await answers(server.port)), 'the server to hang')
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1', () => socket.write('version\r\n'))
    const done = (answer: boolean): void => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('data', () => done(true))
    socket.once('error', () => done(true))
    socket.setTimeout(50, () => done(false))
  })
}
