const identities = new WeakMap<object, string>()
let known = 0

/** A text that stands for an object, and for no other one: what may be printed where the object itself may not. */
export function identityOf(thing: object): string {
  const before = identities.get(thing)
  if (before !== undefined) return before
  const identity = `object ${++known}`
  identities.set(thing, identity)
  return identity
}
