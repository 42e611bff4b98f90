let seen: Uint8Array = new Uint8Array(0)
let buffer: ArrayBufferLike = seen.buffer
let view: DataView = new DataView(buffer)
let start = 0

/**
 * A view of the whole buffer in which these bytes lie: theirs begin at {@link startOf}. It is that of the next bytes, too, if
 * they lie in the same one.
 *
 * To ask bytes for their buffer takes as long as to hash thirty of them, to ask where in it they begin a third of that, and to
 * make a view takes longer (V8 has fast code for none of it): so bytes are asked once, although they are looked at several
 * times, and what arrived together shares a view.
 */
export function viewOf(bytes: Uint8Array): DataView {
  if (bytes !== seen) see(bytes)
  return view
}

/** Where in their view these bytes begin. */
export function startOf(bytes: Uint8Array): number {
  if (bytes !== seen) see(bytes)
  return start
}

function see(bytes: Uint8Array): void {
  const its = bytes.buffer
  if (its !== buffer) {
    buffer = its
    view = new DataView(its)
  }
  start = bytes.byteOffset
  seen = bytes
}
