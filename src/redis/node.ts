import { createHmac, randomBytes } from 'node:crypto'
import { OptionError, quote } from '../base/errors.ts'
import { identityOf } from '../base/identity.ts'
import { nodeSpec, type MemberSpec, type NodeSpec } from '../node/spec.ts'
import { RedisAdapter } from './adapter.ts'
import {
  checkClient,
  clientAddress,
  hasLeaseCommands,
  openClient,
  type Client,
  type ConnectionSettings,
  type RedisConstructor,
} from './client.ts'
import { Link } from './link.ts'
import { checkRedisOptions, type CheckedOptions } from './options.ts'
import { addressOf, parseRedisUrl, redactUrl } from './url.ts'

/** What `redisNode` does, with the constructor of the client library to use. */
export function makeRedisNode(Redis: RedisConstructor, target: unknown, given: unknown): NodeSpec {
  const options = checkRedisOptions(target, given)
  const primary = makeMember(Redis, target, options)
  const replicas = options.replicas.map(({ at, zone }) => {
    const { spec } = makeMember(Redis, at, options, primary.db)
    return zone === undefined ? spec : { ...spec, zone }
  })
  return nodeSpec(options.node, primary.spec, replicas)
}

interface Member {
  readonly spec: MemberSpec
  readonly db: number
}

/** @param primaryDb of a replica's primary */
function makeMember(Redis: RedisConstructor, at: unknown, options: CheckedOptions, primaryDb?: number): Member {
  const member =
    typeof at === 'string'
      ? urlMember(Redis, settingsOf(at, options, primaryDb), options)
      : clientMember(checkClient(at), options)
  if (primaryDb !== undefined && member.db !== primaryDb) {
    const { address } = member.spec
    const why = `the replica ${address} would be read in database ${member.db}, but its primary writes to ${primaryDb}`
    throw new OptionError('ERR_OPTION', why)
  }
  return member
}

function urlMember(Redis: RedisConstructor, settings: ConnectionSettings, options: CheckedOptions): Member {
  const { host, port, db, connectTimeout } = settings
  const { maxValueBytes } = options
  const address = addressOf(host, port)
  const peer = { address, user: settings.username }
  const spec: MemberSpec = {
    address,
    fingerprint: `redis ${address} ${digest([settings, maxValueBytes])}`,
    open({ identified }) {
      const open = (retryDelay: () => number, broken: () => void): Client =>
        openClient(Redis, settings, retryDelay, broken)
      const link = new Link({ kind: 'own', db, open }, { peer, connectTimeout, identified })
      return new RedisAdapter(link, { peer, db, maxValueBytes, textNumbers: false, leases: true })
    },
  }
  return { spec, db }
}

function clientMember(client: Client, { connectTimeout, maxValueBytes }: CheckedOptions): Member {
  const address = clientAddress(client)
  const db = client.options.db ?? 0
  const peer = { address, user: client.options.username ?? undefined }
  const spec: MemberSpec = {
    address,
    fingerprint: `redis client ${digest([client, connectTimeout, maxValueBytes])}`,
    open({ identified }) {
      const link = new Link({ kind: 'borrowed', client }, { peer, connectTimeout, identified })
      const textNumbers = client.options.stringNumbers === true
      // What the application has changed in its client, a key prefix for one, holds for what its own commands send.
      const leases = hasLeaseCommands(client)
      return new RedisAdapter(link, { peer, db, maxValueBytes, textNumbers, leases })
    },
  }
  return { spec, db }
}

/** For the primary the options beat its URL; a replica's URL beats the options. */
function settingsOf(given: string, options: CheckedOptions, primaryDb: number | undefined): ConnectionSettings {
  const url = parseRedisUrl(given)
  const [first, second] = primaryDb === undefined ? [options, url] : [url, options]
  const username = first.username ?? second.username
  const password = first.password ?? second.password
  if (username !== undefined && password === undefined) {
    // Not quoted: in `redis://secret@host` it is the password, whose colon was forgotten.
    const why = `there is a user without a password (a password alone is written redis://:password@host; a user that needs none has the option password: '')`
    throw new OptionError('ERR_OPTION', why)
  }
  if (url.tls && options.tls === false) {
    throw new OptionError('ERR_OPTION', `tls is false, but the URL asks for TLS; given: ${quote(redactUrl(given))}`)
  }
  return {
    host: url.host,
    port: url.port,
    username,
    password,
    db: first.db ?? second.db ?? primaryDb ?? 0,
    tls: options.tls || (url.tls ? {} : undefined),
    connectTimeout: options.connectTimeout,
  }
}

/**
 * A fingerprint of settings that tells equal ones and reveals none, not even to somebody who tries all passwords. What has
 * no text of its own, a client or a function, is known by its identity.
 */
function digest(settings: unknown): string {
  const text = JSON.stringify(settings, (_, value: unknown) => {
    if (typeof value === 'function') return identityOf(value)
    if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
    const plain = typeof value !== 'object' || value === null || Array.isArray(value)
    return plain || Object.getPrototypeOf(value) === Object.prototype ? value : identityOf(value)
  })
  return createHmac('sha256', FINGERPRINT_KEY).update(text).digest('base64url')
}

const FINGERPRINT_KEY = randomBytes(32)
