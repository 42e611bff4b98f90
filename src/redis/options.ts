import { checkCount, checkOptions, checkText } from '../base/check.ts'
import { parseDuration, type Duration } from '../base/duration.ts'
import { OptionError, quote } from '../base/errors.ts'
import { NODE_OPTIONS, type NodeOptions } from '../node/spec.ts'
import { looksLikeClient, type RedisClient } from './client.ts'
import { checkTls, type RedisTlsOptions } from './tls.ts'

/** A replica: a URL or a client, by itself or with the zone it stands in. */
export type RedisReplica =
  string | RedisClient | { url: string; zone?: string } | { client: RedisClient; zone?: string }

/** Options of {@link redisNode}. */
export interface RedisNodeOptions extends NodeOptions {
  /** Servers that replicate this one; reads may go to them. */
  replicas?: readonly RedisReplica[]
  /** The ACL user to log in as. Beats the URL's; holds for replicas whose URLs name none. By default Redis' default user. */
  username?: string
  /** The password. Beats the URL's; holds for replicas whose URLs have none. A user without a password has `''`. */
  password?: string
  /** The number of the database. Beats the URL's; replicas use the same one. 0 unless given. */
  db?: number
  /**
   * TLS for every URL of this node, `redis://` ones included: `true` with the certificate authorities that Node trusts, or
   * an object. A `rediss://` URL means TLS by itself.
   */
  tls?: boolean | RedisTlsOptions
  /** How long connecting may take, with DNS, TLS, login and the server's first answer; 2 s unless given. */
  connectTimeout?: Duration
  /** The largest value, in bytes; 64 MiB unless given, at most Redis' own 512 MiB. */
  maxValueBytes?: number
}

const OPTIONS = [
  ...NODE_OPTIONS,
  'replicas',
  'username',
  'password',
  'db',
  'tls',
  'connectTimeout',
  'maxValueBytes',
] as const satisfies readonly (keyof RedisNodeOptions)[]

/** Those that say how to connect, which a client brings along. */
const URL_OPTIONS = ['username', 'password', 'db', 'tls'] as const

const MIB = 1024 * 1024

/** A URL, or what should be a client. */
export interface RedisTarget {
  readonly at: unknown
  readonly zone?: string
}

/** The options, checked. */
export interface CheckedOptions {
  readonly node: NodeOptions
  readonly replicas: readonly RedisTarget[]
  readonly username: string | undefined
  readonly password: string | undefined
  readonly db: number | undefined
  /** `false`: plain text was asked for, which a `rediss://` URL contradicts. */
  readonly tls: RedisTlsOptions | false | undefined
  readonly connectTimeout: number
  readonly maxValueBytes: number
}

/** @throws OptionError `ERR_OPTION` */
export function checkRedisOptions(target: unknown, given: unknown): CheckedOptions {
  const options = checkOptions(given, 'redisNode options', OPTIONS)
  const replicas: unknown = options['replicas'] ?? []
  if (!Array.isArray(replicas)) {
    throw new OptionError('ERR_OPTION', `replicas must be an array; given: ${quote(replicas)}`)
  }
  const targets = replicas.map(checkReplica)
  if (typeof target !== 'string' && !targets.some(({ at }) => typeof at === 'string')) {
    const idle = URL_OPTIONS.find((name) => options[name] !== undefined)
    if (idle) throw new OptionError('ERR_OPTION', `${idle} goes with a URL; a client that is passed in has its own`)
  }
  const { id, weight, zone, username, password, db, tls, connectTimeout = 2_000, maxValueBytes = 64 * MIB } = options
  if (password !== undefined && typeof password !== 'string') {
    throw new OptionError('ERR_OPTION', `password must be a string; given: ${typeof password}`)
  }
  if (checkCount(maxValueBytes, 'maxValueBytes') > 512 * MIB) {
    throw new OptionError('ERR_OPTION', `maxValueBytes must be at most ${512 * MIB}; given: ${quote(maxValueBytes)}`)
  }
  return {
    node: { id, weight, zone } as NodeOptions,
    replicas: targets,
    username: username === undefined ? undefined : checkText(username, 'username'),
    password,
    db: db === undefined ? undefined : checkCount(db, 'db', 0),
    tls: tls === false ? false : checkTls(tls),
    connectTimeout: parseDuration(connectTimeout, 'connectTimeout'),
    maxValueBytes: maxValueBytes as number,
  }
}

function checkReplica(given: unknown): RedisTarget {
  if (typeof given === 'string' || looksLikeClient(given)) return { at: given }
  const { url, client, zone } = checkOptions(given, 'a replica', ['url', 'client', 'zone'])
  if ((url === undefined) === (client === undefined) || (url !== undefined && typeof url !== 'string')) {
    const forms = 'a URL, a client, { url, zone } or { client, zone }'
    throw new OptionError('ERR_OPTION', `a replica must be ${forms}; given: ${quote(given)}`)
  }
  return { at: url ?? client, ...(zone === undefined ? {} : { zone: checkText(zone, "a replica's zone") }) }
}
