import { createConnection } from 'node:net'
import { redisText, until } from '../../support/servers.ts'
import type { Proxy } from '../proxy.ts'
import type { Fault, Step } from './plan.ts'
import type { World } from './world.ts'

/** Told what becomes of the servers and of the list of nodes. */
export interface FaultListener {
  /** A server is about to be started again: with it goes what it held, or what was deleted since it was saved comes back. */
  restarting(server: string, data: boolean): void
  /** The caches are about to be told of other nodes, or all know of them. */
  nodesChange(under: 'begins' | 'ends'): void
}

/** Makes a fault, and returns what heals it. */
export async function strike({ fault, ms }: Step, world: World, tell: FaultListener): Promise<() => Promise<unknown>> {
  if (fault.kind === 'stall') throw new Error('a stall is no fault that heals')
  if ('node' in fault) return changeNodes(fault, world, tell)
  if ('cache' in fault) return strikeLink(fault, world.links[fault.cache]!.get(fault.server)!)
  const server = world.servers.get(fault.server)!
  const ask = (command: string): Promise<string> => redisText(server.port, command)
  switch (fault.kind) {
    case 'kill':
      await server.kill()
      return () => {
        tell.restarting(fault.server, false)
        return server.restart()
      }
    case 'kill with data':
      // Redis refuses while it writes its data for a replica.
      await until(() => server.save().then(always, never), `${fault.server} to be saved`)
      await new Promise((resolve) => setTimeout(resolve, fault.gap))
      await server.kill()
      return () => {
        tell.restarting(fault.server, true)
        return server.restart({ data: true })
      }
    case 'stop':
      server.pause()
      return async () => server.resume()
    case 'out of memory':
      await ask('CONFIG SET maxmemory 1')
      return () => ask('CONFIG SET maxmemory 0')
    case 'read-only':
      await ask('REPLICAOF 127.0.0.1 1')
      return () => ask('REPLICAOF NO ONE')
    case 'client pause':
      // It ends by itself: while it lasts, nobody can be told to end it.
      await told(server.port, `CLIENT PAUSE ${ms} ALL`)
      return async () => {}
    case 'busy script':
      await told(server.port, 'EVAL "while true do end" 0', false)
      return () => until(async () => !(await ask('SCRIPT KILL')).startsWith('-BUSY'), 'the script to end')
  }
}

async function changeNodes(
  fault: Fault & { node: string },
  { caches, spec }: World,
  tell: FaultListener,
): Promise<() => Promise<unknown>> {
  const all = async (change: (index: number) => Promise<unknown>): Promise<void> => {
    tell.nodesChange('begins')
    await Promise.all(caches.map((_, index) => change(index)))
    tell.nodesChange('ends')
  }
  const { node } = fault
  if (fault.kind === 'reweight') {
    await all((index) => caches[index]!.reweight(node, fault.weight))
    return () => all((index) => caches[index]!.reweight(node, 1))
  }
  await all((index) => caches[index]!.removeNode(node))
  return () => all((index) => caches[index]!.addNode(spec(index, node)))
}

async function strikeLink(fault: Fault & { cache: number }, proxy: Proxy): Promise<() => Promise<unknown>> {
  const rule = (...[what, place]: Parameters<Proxy['fault']>): (() => Promise<unknown>) => {
    const set = proxy.fault(what, place)
    return async () => set.remove()
  }
  switch (fault.kind) {
    case 'delay':
      // On the way down alone: what was sent late and given up could else arrive after what was sent when it healed.
      proxy.delay(fault.by, 'down')
      return async () => proxy.delay(0, 'down')
    case 'blackhole':
      proxy.pause(fault.way)
      return async () => proxy.resume(fault.way)
    case 'cut':
      return rule({ kind: 'cut', how: fault.how }, { direction: fault.way, at: fault.at, times: fault.times })
    case 'insert':
      return rule({ kind: 'insert', bytes: Buffer.from(fault.bytes, 'latin1') }, { chunk: fault.chunk })
    case 'flip':
      return rule({ kind: 'flip', mask: fault.mask }, { at: fault.at })
    case 'drop':
      return rule({ kind: 'drop', bytes: fault.bytes }, { at: fault.at })
    case 'split':
      proxy.split(fault.size)
      return async () => proxy.split(undefined)
    case 'refuse':
      await proxy.refuse(fault.how)
      proxy.resetAll()
      return () => proxy.accept()
    case 'reset all':
      proxy.resetAll(fault.how)
      return async () => {}
  }
  throw new Error(`${fault.kind} is no fault of a link`)
}

/** Sends a command without waiting for more than that it was taken, or sent when no reply is to come. */
function told(port: number, command: string, replies = true): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(port, '127.0.0.1', () => {
      socket.write(`${command}\r\n`, () => {
        if (!replies) resolve()
      })
    })
    socket.once('data', () => {
      resolve()
      socket.destroy()
    })
    socket.once('error', reject)
    socket.unref()
  })
}

const always = (): boolean => true
const never = (): boolean => false
