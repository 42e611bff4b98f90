let seen: Uint8Array = new Uint8Array(0)
let buffer: ArrayBufferLike = seen.buffer
let view: DataView = new DataView(buffer)

/**
 * A view of the whole buffer in which these bytes lie: theirs begin at their `byteOffset`. It is that of the next bytes, too,
 * if they lie in the same one.
 *
 * To ask bytes for their buffer takes as long as to hash thirty of them, and to make a view takes longer: so bytes are asked
 * once, although they are looked at several times, and what arrived together shares a view.
 */
export function viewOf(bytes: Uint8Array): DataView {
  if (bytes !== seen) {
    const its = bytes.buffer
    if (its !== buffer) {
      buffer = its
      view = new DataView(its)
    }
    seen = bytes
  }
  return view
}
