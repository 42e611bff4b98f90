import { storedKey } from './entry/key.ts'
import type { LoadKey } from './loading/request.ts'

/** A key in all its forms. */
export class Target implements LoadKey {
  readonly name: string
  readonly key: string
  readonly full: string
  readonly stored: string
  position: number | undefined

  /** @param name a key that passed `checkKey` */
  constructor(name: string, prefix: string, namespace: string) {
    const key = prefix + name
    this.name = name
    this.key = key
    this.full = namespace === '' ? key : `${namespace}:${key}`
    this.stored = storedKey(key, namespace)
    this.position = undefined
  }
}
