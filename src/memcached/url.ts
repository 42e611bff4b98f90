import { isIPv6 } from 'node:net'
import { OptionError, quote } from '../base/errors.ts'

/** Where a server is and how to log in there. */
export interface MemcachedTarget {
  /** A name or an address; IPv6 without brackets. */
  readonly host: string
  readonly port: number
  /** `host:port`, with brackets around IPv6; for people and for the default id. */
  readonly address: string
  readonly credentials: Credentials | undefined
}

/** A SASL login. Both are non-empty. */
export interface Credentials {
  readonly username: string
  readonly password: string
}

const DEFAULT_PORT = 11_211
const NAME = /^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$/

/**
 * Reads `memcached://[user:password@]host[:port]`.
 *
 * @throws OptionError `ERR_URL`, quoting the URL with the password as `***`
 */
export function parseMemcachedUrl(given: string): MemcachedTarget {
  const fail = (why: string): never => {
    throw new OptionError('ERR_URL', `a Memcached URL ${why}; given: ${quote(redactUrl(given))}`)
  }
  const [, scheme, rest] = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/is.exec(given) ?? []
  if (scheme === undefined || rest === undefined) return fail('must look like memcached://host:port')
  if (scheme.toLowerCase() !== 'memcached') return fail('must begin with memcached://')
  const at = rest.lastIndexOf('@')
  const login = at < 0 ? undefined : rest.slice(0, at)
  if (login !== undefined && /[/?#]/.test(login)) return fail('must have /, ? and # in its password percent-encoded')
  const place = rest.slice(at + 1)
  if (/[?#]/.test(place)) return fail('has no query and no fragment; pass options beside it')
  const [, bracketed, plain, portText, path] = /^(?:\[([^\]]*)\]|([^:/[\]]*))(?::([^/]*))?(\/.*)?$/s.exec(place) ?? []
  if (path !== undefined && path !== '/') return fail('has no path')
  const host = (bracketed ?? plain ?? '').toLowerCase()
  if (bracketed === undefined ? !NAME.test(host) : !isIPv6(host)) return fail('must name a host')
  const port = portText === undefined ? DEFAULT_PORT : /^\d{1,5}$/.test(portText) ? Number(portText) : 0
  if (port < 1 || port > 65_535) return fail('must have a port from 1 to 65535')
  return {
    host,
    port,
    address: `${bracketed === undefined ? host : `[${host}]`}:${port}`,
    credentials: login === undefined ? undefined : readLogin(login, fail),
  }
}

function readLogin(login: string, fail: (why: string) => never): Credentials {
  const colon = login.indexOf(':')
  const decode = (text: string): string => {
    try {
      return decodeURIComponent(text)
    } catch {
      return fail('has a broken percent-encoding in its user name or password')
    }
  }
  const username = decode(colon < 0 ? login : login.slice(0, colon))
  const password = colon < 0 ? '' : decode(login.slice(colon + 1))
  if (username === '' || password === '') return fail('must have both a user name and a password, or neither')
  if (username.includes('\0') || password.includes('\0')) return fail('cannot have NUL in its user name or password')
  return { username, password }
}

/** The URL with what may be a secret as `***`, however broken it is. */
export function redactUrl(url: string): string {
  const start = /^[a-z][a-z0-9+.-]*:\/\//i.exec(url)?.[0].length ?? 0
  const at = url.lastIndexOf('@')
  const shown = url.slice(0, start)
  if (at < start) {
    // Without an @, what stands where the port belongs may be a password whose host was forgotten.
    return (
      shown +
      url
        .slice(start)
        .replace(/[?#].*$/s, (tail) => `${tail[0]}***`)
        .replace(/:(?!\d{1,5}(?:[/?#]|$))[^\]]*$/s, ':***')
    )
  }
  const login = url.slice(start, at)
  const colon = login.indexOf(':')
  const place = url.slice(at + 1).replace(/[?#].*$/s, (tail) => `${tail[0]}***`)
  return `${shown}${colon < 0 ? '' : login.slice(0, colon)}${colon < 0 ? '***' : ':***'}@${place}`
}
