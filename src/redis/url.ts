import { isIPv6 } from 'node:net'
import { OptionError, quote } from '../base/errors.ts'

/** What a `redis://` or `rediss://` URL says. What it leaves out is absent. */
export interface RedisPlace {
  readonly host: string
  readonly port: number
  readonly tls: boolean
  readonly username?: string
  readonly password?: string
  readonly db?: number
}

/**
 * Reads `redis://[user[:password]@]host[:port][/db]`, and `rediss://` for TLS. The scheme may be in capitals, user and
 * password percent-encoded, the host an IPv6 address in brackets. The client library's own parser is not used: it
 * connects in plain text for `REDISS://`, and takes query parameters for strings.
 *
 * @throws OptionError `ERR_URL`, quoting the URL without its password
 */
export function parseRedisUrl(given: string): RedisPlace {
  const refuse = (why: string): OptionError => new OptionError('ERR_URL', `${why}; given: ${quote(redactUrl(given))}`)
  // WHATWG URLs drop these silently.
  if (/[\s\p{Cc}]/u.test(given)) throw refuse('a Redis URL must not contain blanks or control characters')
  const scheme = /^([a-z][a-z\d+.-]*):\/\//i.exec(given)?.[1]?.toLowerCase()
  if (scheme !== 'redis' && scheme !== 'rediss') throw refuse('a Redis URL must begin with redis:// or rediss://')
  // Before the parts are taken apart, so that a "?" or "#" in a password that was not encoded is told as what it is.
  if (given.includes('?')) throw refuse('a Redis URL takes no parameters (a "?" in a password is written %3F)')
  if (given.includes('#')) throw refuse('a Redis URL takes no fragment (a "#" in a password is written %23)')
  let url: URL
  try {
    url = new URL(given)
  } catch {
    throw refuse('not a URL: the form is redis://[user[:password]@]host[:port][/db]')
  }
  const host = url.hostname.toLowerCase().replace(/^\[(.*)\]$/, '$1')
  if (!isIPv6(host) && !/^[a-z\d_]([a-z\d._-]*[a-z\d_.])?$/.test(host)) throw refuse('a Redis URL must name a host')
  const port = url.port === '' ? 6379 : Number(url.port)
  if (port === 0) throw refuse('the port must be from 1 to 65535')
  if (!/^(\/\d{0,9})?$/.test(url.pathname)) throw refuse('the part after the host must be the number of a database')
  const username = decode(url.username)
  const password = decode(url.password)
  if (username === undefined || password === undefined) throw refuse('the user or the password has a broken %-encoding')
  return {
    host,
    port,
    tls: scheme === 'rediss',
    ...(username === '' ? {} : { username }),
    ...(password === '' ? {} : { password }),
    ...(url.pathname.length > 1 ? { db: Number(url.pathname.slice(1)) } : {}),
  }
}

/** `host:port`, with the brackets that an IPv6 address needs. */
export function addressOf(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** A URL for an error message. Whatever could be a password goes, also where the URL is broken. */
export function redactUrl(given: string): string {
  const scheme = /^[a-z][a-z\d+.-]*:\/\//i.exec(given)?.[0] ?? ''
  const at = given.lastIndexOf('@')
  if (at >= scheme.length) {
    const [user = '', ...password] = given.slice(scheme.length, at).split(':')
    const shown = password.length === 0 ? '***' : `${user}:***`
    return `${scheme}${shown}@${redactRest(given.slice(at + 1))}`
  }
  return scheme + redactRest(given.slice(scheme.length))
}

/** What follows the "@". A port that is no number may be a password whose "@host" was forgotten. */
function redactRest(rest: string): string {
  const [, authority = '', path = '', extra = ''] = /^([^/?#]*)([^?#]*)([?#]?)/s.exec(rest) ?? []
  const [, host = '', port = ''] = /^(\[[^\]]*\]|[^:]*)(.*)$/s.exec(authority) ?? []
  const shown = host + (port === '' || (host !== '' && /^:\d{1,5}$/.test(port)) ? port : ':***')
  return shown + path + (extra === '' ? '' : `${extra}***`)
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
