import type { Duplex } from 'node:stream'

/** What is used of the inside of an ioredis client of our own, of either major version. */
export interface Inside {
  /** `null` or nothing without a connection. */
  readonly stream?: Duplex | null
  /** The commands that wait for their replies; a new queue for each connection. */
  readonly commandQueue: CommandQueue
  sendCommand(command: object, sink: object): unknown
}

export interface CommandQueue {
  peekFront(): QueuedCommand | undefined
  shift(): unknown
}

export interface QueuedCommand {
  readonly command: object
}
