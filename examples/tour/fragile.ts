import { NodeError, type NodeAdapter, type NodeContext, type NodeSpec } from 'sharded-cache'

/** A node's adapter with a switch that makes it fail, as an adapter does whose server is gone. */
export function fragile(node: NodeSpec): { adapter: (context: NodeContext) => NodeAdapter; fault: { down: boolean } } {
  const fault = { down: false }
  const adapter = (context: NodeContext): NodeAdapter => {
    const inner = node.primary.open(context)
    const gone = new NodeError('ERR_NODE_DOWN', `${inner.address} was switched off`)
    const { info } = inner.powers
    return {
      address: inner.address,
      limits: inner.limits,
      powers: info ? { info: () => (fault.down ? Promise.reject(gone) : info()) } : {},
      connect: () => (fault.down ? Promise.reject(gone) : inner.connect()),
      read: (keys) => (fault.down ? Promise.resolve(keys.map(() => gone)) : inner.read(keys)),
      write: (items) => (fault.down ? Promise.resolve(items.map(() => gone)) : inner.write(items)),
      remove: (keys) => (fault.down ? Promise.resolve(keys.map(() => gone)) : inner.remove(keys)),
      reset: () => inner.reset(),
      close: () => inner.close(),
    }
  }
  return { adapter, fault }
}
