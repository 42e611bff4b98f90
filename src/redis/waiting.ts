import type { NodeError } from '../base/errors.ts'

/**
 * What waits for a reply, in a ring of them; by itself, the head of one. A ring, since the tables that a set leaves behind when
 * it grows keep what was in them, once they are old, from being collected while it is young.
 */
export class Waiting {
  previous: Waiting = this
  next: Waiting = this

  before(other: Waiting): void {
    this.previous = other.previous
    this.next = other
    other.previous.next = this
    other.previous = this
  }

  /** Says whether it was still there. */
  leave(): boolean {
    if (this.next === this) return false
    this.previous.next = this.next
    this.next.previous = this.previous
    this.previous = this.next = this
    return true
  }

  /** Told, when it has left, that no reply is waited for any more. Must not throw. */
  giveUp(_error: NodeError): void {}
}
