import { createHmac, randomBytes } from 'node:crypto'
import { checkCount, checkOptions, checkText, type Unchecked } from '../base/check.ts'
import { parseDuration, type Duration } from '../base/duration.ts'
import { OptionError, quote } from '../base/errors.ts'
import { identityOf } from '../base/identity.ts'
import { NODE_OPTIONS, nodeSpec, type NodeContext, type NodeOptions, type NodeSpec } from '../node/spec.ts'
import { MemcachedAdapter, type AdapterSettings } from './adapter.ts'
import { MemjsClientAdapter, type MemjsClient } from './client-adapter.ts'
import { parseMemcachedUrl, type Credentials, type MemcachedTarget } from './url.ts'

/** Options of {@link memcachedNode}. */
export interface MemcachedNodeOptions extends NodeOptions {
  /** The SASL user name, instead of one in the URL; goes with `password`. Not with a client. */
  username?: string
  /** The SASL password, instead of one in the URL; goes with `username`. Not with a client. */
  password?: string
  /** How long connecting, logging in and the first answer may take together: at most, and by default, 2 s. */
  connectTimeout?: Duration
  /**
   * The largest value, in bytes. By default 1 KiB less than the server's largest item, which it is asked for when it is
   * connected to (1 MiB unless it was started with `-I`); never more than that.
   */
  maxValueBytes?: number
}

const OPTIONS = [...NODE_OPTIONS, 'username', 'password', 'connectTimeout', 'maxValueBytes']
const MAX_CONNECT_TIMEOUT = 2_000
/** So that a fingerprint tells nothing about the password in it. */
const SALT = randomBytes(32)

/**
 * A node on one memcached server. Needs the optional peer `memjs`.
 *
 * TTLs count in seconds there: an entry lives at least as long as asked and less than two seconds longer (the cache's own
 * entries carry their exact times, so only `format: 'raw'` shows it). Longer than 30 days goes out as a date of the
 * server's clock, at the latest 2038-01-19.
 *
 * @param target `memcached://[user:password@]host[:port]`, port 11211 unless given, or a memjs `Client` with exactly one
 *   server that the application already has.
 *
 *   A client passed in is used as it is, by its public methods, and never closed or reset. Less is guaranteed with it
 *   than with a URL. After a fault memjs goes on with the damaged connection: calls can fail until the application makes a
 *   new client, and with its `retries` a stalled server's late answer has been seen to reach the wrong call. A write that
 *   was reported as failed may be sent again later. memjs tells nobody when it connects again, so a server that restarted
 *   is recognised when it is next asked who it is, not before its first reply. Environment variables can have set its
 *   login. There is no command for many keys, and a client with a `serializer` that does not keep bytes cannot be used.
 * @param options see {@link MemcachedNodeOptions}
 * @throws OptionError `ERR_URL` for the URL, `ERR_CLIENT` for the client, `ERR_OPTION` for an option
 * @example
 * const cache = await ShardedCache.create({
 *   nodes: [
 *     memcachedNode('memcached://10.0.0.2:11211', { id: 'a' }),
 *     memcachedNode('memcached://10.0.0.3', { id: 'b', username: 'app', password: process.env.CACHE_PASSWORD }),
 *   ],
 * })
 */
export function memcachedNode(target: string | MemjsClient, options: MemcachedNodeOptions = {}): NodeSpec {
  const given = checkOptions(options, 'memcachedNode options', OPTIONS)
  const connectTimeout = readConnectTimeout(given)
  const maxValueBytes =
    given['maxValueBytes'] === undefined ? undefined : checkCount(given['maxValueBytes'], 'maxValueBytes')
  const settings = (context: NodeContext): AdapterSettings => ({
    clock: context.clock,
    nodeTimeout: context.nodeTimeout,
    connectTimeout,
    maxValueBytes,
    identified: context.identified,
  })
  if (typeof target !== 'string') {
    const client = checkClient(target)
    if (given['username'] !== undefined || given['password'] !== undefined) {
      throw new OptionError('ERR_OPTION', 'username and password go with a URL; a client that is passed in has its own')
    }
    const address = clientAddress(client)
    return nodeSpec(options, {
      address,
      // Not the client itself, which holds its password.
      fingerprint: `memjs client ${identityOf(client)} ${connectTimeout} ${maxValueBytes}`,
      open: (context) => new MemjsClientAdapter(client, address, settings(context)),
    })
  }
  const server = withLogin(parseMemcachedUrl(target), given)
  return nodeSpec(options, {
    address: server.address,
    fingerprint: createHmac('sha256', SALT)
      .update(JSON.stringify([server, connectTimeout, maxValueBytes]))
      .digest('hex'),
    open: (context) => new MemcachedAdapter(server, settings(context)),
  })
}

function readConnectTimeout(given: Unchecked): number {
  const ms = parseDuration(given['connectTimeout'] ?? MAX_CONNECT_TIMEOUT, 'connectTimeout')
  if (ms <= MAX_CONNECT_TIMEOUT) return ms
  throw new OptionError('ERR_OPTION', `connectTimeout must be at most 2s; given: ${quote(given['connectTimeout'])}`)
}

function withLogin(target: MemcachedTarget, { username, password }: Unchecked): MemcachedTarget {
  if (username === undefined && password === undefined) return target
  if (username === undefined || password === undefined) {
    throw new OptionError('ERR_OPTION', 'username and password go together: give both or neither')
  }
  if (target.credentials) {
    throw new OptionError('ERR_OPTION', 'the user name and the password are given twice: in the URL and as options')
  }
  const credentials: Credentials = { username: checkText(username, 'username'), password: checkSecret(password) }
  return { ...target, credentials }
}

/** As `checkText`, but a password is never quoted. */
function checkSecret(given: unknown): string {
  if (typeof given === 'string' && given.length > 0 && given.isWellFormed() && !given.includes('\0')) return given
  throw new OptionError('ERR_OPTION', 'password must be a non-empty string without NUL')
}

function checkClient(given: unknown): MemjsClient {
  const client = given as Partial<MemjsClient> | null
  const callable = (['get', 'set', 'delete', 'stats'] as const).every((name) => typeof client?.[name] === 'function')
  if (typeof given !== 'object' || !callable || !Array.isArray(client?.servers)) {
    const kind = given === null ? 'null' : typeof given
    throw new OptionError('ERR_CLIENT', `memcachedNode takes a URL or a memjs Client; given: ${kind}`)
  }
  if (client.servers.length === 1) return given as MemjsClient
  const text = `a memjs Client for a node must have exactly one server; this one has ${client.servers.length}`
  throw new OptionError(
    'ERR_CLIENT',
    `${text}: memjs would spread the keys itself. Make one client, and one node, per server`,
  )
}

function clientAddress(client: MemjsClient): string {
  const { host, port } = (client.servers[0] ?? {}) as { host?: unknown; port?: unknown }
  return `${String(host)}:${String(port)}`
}
