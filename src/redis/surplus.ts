/** What is used of the inside of an ioredis client, of either major version. */
interface Inside {
  commandQueue: { shift(): unknown }
  resetCommandQueue(): void
  flushQueue(...rest: unknown[]): void
}

/**
 * Tells of replies that belong to no command. ioredis makes an error of such a reply that quotes it, and when it is null, as
 * that to GET may be, an uncaught exception, which ends the process.
 */
export function watchSurplus(client: object, tell: () => void): void {
  const inside = client as Inside
  const { resetCommandQueue, flushQueue } = inside
  // A version that is built otherwise is left as it is.
  if (typeof resetCommandQueue !== 'function' || typeof flushQueue !== 'function') return
  const nobody = { command: { name: 'surplus', args: [], resolve: tell, reject: tell } }
  // It empties the queue with a loop that ends when nothing is left.
  let flushing = false
  inside.flushQueue = (...rest) => {
    flushing = true
    try {
      flushQueue.apply(inside, rest)
    } finally {
      flushing = false
    }
  }
  // It makes a new queue for each connection.
  inside.resetCommandQueue = () => {
    resetCommandQueue.call(inside)
    const { commandQueue } = inside
    const shift = commandQueue.shift.bind(commandQueue)
    commandQueue.shift = () => shift() ?? (flushing ? undefined : nobody)
  }
}
