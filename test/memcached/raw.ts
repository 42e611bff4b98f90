import { createConnection } from 'node:net'

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
