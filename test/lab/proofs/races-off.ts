import { Flights } from '../../../src/loading/flight.ts'
import type { NodeAdapter } from '../../../src/node/contract.ts'
import type { NodeSpec } from '../../../src/node/spec.ts'
import { Fence } from '../../../src/tier/fence.ts'

/** The same node without leases, as if its server could not compare and change. */
export function withoutLeases(spec: NodeSpec): NodeSpec {
  const { primary } = spec
  return { ...spec, primary: { ...primary, open: (context) => leaseless(primary.open(context)) } }
}

function leaseless(adapter: NodeAdapter): NodeAdapter {
  return {
    address: adapter.address,
    get limits() {
      return adapter.limits
    },
    get powers() {
      return Object.fromEntries(Object.entries(adapter.powers).filter(([name]) => name !== 'atomic'))
    },
    connect: () => adapter.connect(),
    read: (keys) => adapter.read(keys),
    write: (items) => adapter.write(items),
    remove: (keys) => adapter.remove(keys),
    reset: () => adapter.reset(),
    close: () => adapter.close(),
  }
}

/** Switches off what keeps loads and reads of this process from being cached, or joined, after they were overtaken. For good. */
export function withoutFences(): void {
  Flights.prototype.fence = () => {}
  Fence.prototype.raise = () => {}
}
