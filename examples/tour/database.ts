import { setTimeout as sleep } from 'node:timers/promises'
import { randomFrom } from './traffic.ts'

export interface Product {
  id: string
  name: string
  cents: number
}

const CONNECTIONS = 8
const COLOURS = ['amber', 'black', 'blue', 'coral', 'green', 'ivory', 'pearl', 'white']
const THINGS = ['bicycle', 'bottle', 'chair', 'kettle', 'lamp', 'notebook', 'raincoat', 'teapot']

/** A pretend database: 8 to 12 ms for a query, eight queries at a time; the others wait in line. */
export class SlowDatabase {
  /** How many queries it has answered. */
  queries = 0
  #free = CONNECTIONS
  readonly #line: (() => void)[] = []
  readonly #random = randomFrom(7)

  async findProduct(id: string): Promise<Product> {
    if (this.#free > 0) this.#free--
    else await new Promise<void>((resolve) => this.#line.push(resolve))
    await sleep(8 + 4 * this.#random())
    this.queries++
    const next = this.#line.shift()
    if (next) next()
    else this.#free++
    const number = Number(id)
    const name = `${COLOURS[number % 8]} ${THINGS[Math.floor(number / 8) % 8]}`
    return { id, name, cents: 500 + ((number * 7919) % 9500) }
  }
}
