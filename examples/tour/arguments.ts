import { parseArgs } from 'node:util'
import { memcachedNode } from 'sharded-cache/memcached'
import { redisNode } from 'sharded-cache/redis'
import type { NodeSpec } from 'sharded-cache'

/** A node on a server that was named on the command line. */
export interface GivenNode {
  readonly kind: 'redis' | 'memcached'
  readonly spec: NodeSpec
}

/** What the command line asks for. */
export type Request = { does: 'help' } | { does: 'tour'; given: readonly GivenNode[] }

/** Something a person must fix; told without a stack. */
export class Complaint extends Error {}

export const HELP = `Usage: npm start [-- <url> …]

A guided run through sharded-cache, of about twenty seconds.

Without URLs it starts two redis-server and two memcached processes of its own on free loopback ports and ends them
again; embedded memory nodes stand in where neither is on the PATH.

With URLs each of them is one node:

  npm start -- redis://10.0.0.1:6379 redis://10.0.0.2 memcached://10.0.0.3:11211

Forms: redis://[user[:password]@]host[:port][/db], rediss://… for TLS, memcached://[user:password@]host[:port].
These servers are never flushed or stopped; the tour uses a namespace of its own and deletes its keys at the end.

  --help      this text
  NO_COLOR=1  no colours
`

/** @throws Complaint for a flag or a URL that is none */
export function readArguments(args: readonly string[]): Request {
  const { values, positionals } = parse(args)
  if (values.help) return { does: 'help' }
  if (positionals.length > 20) throw new Complaint(`At most 20 servers, please; given: ${positionals.length}.`)
  return { does: 'tour', given: positionals.map((url, i) => givenNode(url, nodeName(i))) }
}

/** `a`, `b`, `c`, … */
export function nodeName(index: number): string {
  return String.fromCharCode('a'.charCodeAt(0) + index)
}

function parse(args: readonly string[]): { values: { help?: boolean }; positionals: string[] } {
  try {
    const options = { help: { type: 'boolean', short: 'h' } } as const
    return parseArgs({ args: [...args], options, allowPositionals: true })
  } catch (error) {
    throw new Complaint(`${(error as Error).message}\n\n${HELP}`)
  }
}

function givenNode(url: string, id: string): GivenNode {
  const scheme = /^([a-z]+):\/\//i.exec(url)?.[1]?.toLowerCase()
  try {
    if (scheme === 'redis' || scheme === 'rediss') return { kind: 'redis', spec: redisNode(url, { id }) }
    if (scheme === 'memcached') return { kind: 'memcached', spec: memcachedNode(url, { id }) }
  } catch (error) {
    // The library's message quotes the URL without its password.
    throw new Complaint((error as Error).message)
  }
  const given = scheme === undefined ? 'an argument that has no scheme' : `${scheme}://…`
  throw new Complaint(`A server is given as redis://…, rediss://… or memcached://…; given: ${given}`)
}
