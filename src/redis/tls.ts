import { createSecureContext, type SecureContextOptions } from 'node:tls'
import { checkFlag, checkFunction, checkOptions, checkText } from '../base/check.ts'
import { OptionError } from '../base/errors.ts'

/** A certificate or key: PEM text, or bytes. */
export type TlsMaterial = string | Uint8Array | readonly (string | Uint8Array)[]

/** How to speak TLS with a Redis server: the options of the same names of `tls.connect` in `node:tls`. */
export interface RedisTlsOptions {
  /** The certificate authorities to trust, instead of those that Node trusts. */
  ca?: TlsMaterial
  /** This client's certificate, where the server asks for one. */
  cert?: TlsMaterial
  /** The private key of `cert`. */
  key?: TlsMaterial
  /** Certificate and key in one PKCS#12 bundle. */
  pfx?: string | Uint8Array
  /** Opens `key` or `pfx`. */
  passphrase?: string
  /** The name the certificate must be for, and that is sent as SNI. By default the host, where that is a name. */
  servername?: string
  /** Whether a certificate that cannot be verified ends the connection; true unless given. `false` is for tests. */
  rejectUnauthorized?: boolean
  /** Verifies the name in the certificate in place of Node's own check: an error refuses it. */
  checkServerIdentity?: (hostname: string, certificate: object) => Error | undefined
  minVersion?: 'TLSv1.2' | 'TLSv1.3'
  maxVersion?: 'TLSv1.2' | 'TLSv1.3'
  ciphers?: string
}

const TLS_OPTIONS = [
  'ca',
  'cert',
  'key',
  'pfx',
  'passphrase',
  'servername',
  'rejectUnauthorized',
  'checkServerIdentity',
  'minVersion',
  'maxVersion',
  'ciphers',
] as const satisfies readonly (keyof RedisTlsOptions)[]

/**
 * Checks the `tls` option, certificates and keys included, which are tried without a socket.
 *
 * @returns its own copy; `undefined` for no TLS unless the URL says so
 * @throws OptionError `ERR_OPTION`; neither key nor passphrase is quoted
 */
export function checkTls(given: unknown): RedisTlsOptions | undefined {
  if (given === undefined || given === false) return undefined
  if (given === true) return {}
  const tls: RedisTlsOptions = { ...checkOptions(given, 'tls', TLS_OPTIONS) }
  if (tls.servername !== undefined) checkText(tls.servername, 'tls.servername')
  if (tls.rejectUnauthorized !== undefined) checkFlag(tls.rejectUnauthorized, 'tls.rejectUnauthorized')
  if (tls.checkServerIdentity !== undefined) checkFunction(tls.checkServerIdentity, 'tls.checkServerIdentity')
  try {
    createSecureContext(tls as SecureContextOptions)
  } catch (error) {
    // OpenSSL's own words ("PEM routines::no start line"); Node's errors about types quote what was given.
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unusable'
    throw new OptionError('ERR_OPTION', `tls: a certificate, key or setting cannot be used (${code})`)
  }
  return tls
}
