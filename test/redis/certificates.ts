import { generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto'

/** A certificate and its private key, as PEM. */
export interface Certificate {
  readonly cert: string
  readonly key: string
}

/** Makes certificates for tests, which Node itself cannot and for which no other tool need be installed. */
export class Authority implements Certificate {
  readonly cert: string
  readonly key: string
  readonly #name: string
  readonly #private: KeyObject

  constructor(name: string) {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    this.#name = name
    this.#private = privateKey
    this.key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    // basicConstraints, critical: a certificate authority.
    const authority = sequence(
      oid('551d13'),
      der(0x01, Buffer.from([0xff])),
      octets(sequence(der(1, Buffer.from([0xff])))),
    )
    this.cert = this.#sign(name, publicKey, authority)
  }

  /** A server's certificate, for a host name and an IPv4 address. */
  issue(host: string, address: string): Certificate {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const ip = Buffer.from(address.split('.').map(Number))
    // subjectAltName: dNSName, iPAddress.
    const names = sequence(oid('551d11'), octets(sequence(der(0x82, Buffer.from(host)), der(0x87, ip))))
    const cert = this.#sign(host, publicKey, names)
    return { cert, key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() }
  }

  #sign(subject: string, publicKey: KeyObject, extension: Buffer): string {
    const ecdsaWithSha256 = sequence(oid('2a8648ce3d040302'))
    const body = sequence(
      der(0xa0, integer(Buffer.from([2]))),
      integer(Buffer.concat([Buffer.from([1]), randomBytes(8)])),
      ecdsaWithSha256,
      commonName(this.#name),
      sequence(time(-86_400_000), time(86_400_000)),
      commonName(subject),
      publicKey.export({ type: 'spki', format: 'der' }),
      der(0xa3, sequence(extension)),
    )
    const signature = der(0x03, Buffer.concat([Buffer.from([0]), sign('sha256', body, this.#private)]))
    const base64 = sequence(body, ecdsaWithSha256, signature).toString('base64')
    return `-----BEGIN CERTIFICATE-----\n${base64.replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`
  }
}

function der(tag: number, content: Buffer): Buffer {
  const { length } = content
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}

const sequence = (...parts: Buffer[]): Buffer => der(0x30, Buffer.concat(parts))
const integer = (bytes: Buffer): Buffer => der(0x02, bytes)
const octets = (bytes: Buffer): Buffer => der(0x04, bytes)
const oid = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'))
const commonName = (name: string): Buffer => sequence(der(0x31, sequence(oid('550403'), der(0x0c, Buffer.from(name)))))

/** A time so many milliseconds from now. */
function time(offset: number): Buffer {
  const text = new Date(Date.now() + offset).toISOString().replace(/[-:T]|\.\d+/g, '')
  return der(0x18, Buffer.from(text))
}
