import type { NodeAdapter } from '../../node/contract.ts'
import type { NodeContext } from '../../node/spec.ts'

/** What the suite must be told of the adapter it is to try. */
export interface ConformanceSetup {
  /**
   * Makes a new adapter, not yet connected. Every one it makes speaks to the same server. The suite connects it and
   * closes it. The adapter must be given the `context`, or at least its `identified`, as it is by a cache.
   *
   * The server may be shared: the suite uses keys of its own, which expire, and flushes nothing.
   */
  open(context: NodeContext): NodeAdapter | Promise<NodeAdapter>
  /**
   * What this adapter has not. The cases about it are then named "not applicable", and the suite checks that it is so:
   * - `'info'`: the adapter has no `info` power;
   * - `'removeIf'`: it has no `removeIf` power. Need not be said: where nothing is said, the cases about it try the power if
   *   it is there;
   * - `'atomic'`: it has no `atomic` power. Need not be said either;
   * - `'value-limit'`: it takes values above 8 MiB, which are too large to be exceeded in a test.
   */
  without?: readonly ('info' | 'removeIf' | 'atomic' | 'value-limit')[]
  /** Stops and starts the server, for the cases about outages; not applicable when left out. */
  server?: ServerControl
  /** Makes an adapter whose credentials the server refuses, for the case about them; not applicable when left out. */
  openRefused?(context: NodeContext): NodeAdapter | Promise<NodeAdapter>
}

/** How the suite makes the server fail. */
export interface ServerControl {
  /** Ends the server at once, as `kill -9` does. */
  stop(): Promise<void> | void
  /** Starts it again at the same address; resolves when it accepts connections. */
  start(): Promise<void> | void
  /** Makes it hang with its sockets open, as SIGSTOP does; the cases about hanging are not applicable when left out. */
  pause?(): Promise<void> | void
  /** Ends the hanging. */
  resume?(): Promise<void> | void
}

/** One case of the suite, bound to the setup it was made for. */
export interface ConformanceCase {
  /** What it is about. Begins with "not applicable" when the setup says that the adapter has not what the case needs. */
  readonly name: string
  /** Why it is not applicable; `undefined` when it is. */
  readonly notApplicable: string | undefined
  /**
   * Opens a fresh adapter, tries it, and closes it.
   *
   * A case that is not applicable only checks that the adapter lacks what the setup says it lacks.
   *
   * @throws AssertionError when the adapter breaks the contract
   */
  run(): Promise<void>
}

/** What a case needs beyond an adapter. */
export type Need = 'info' | 'removeIf' | 'atomic' | 'value-limit' | 'server' | 'hang' | 'credentials'

/** Why a need is not met by a setup; `undefined` when it is. */
export function unmet(need: Need | undefined, setup: ConformanceSetup): string | undefined {
  switch (need) {
    case undefined:
      return undefined
    case 'info':
      return setup.without?.includes('info') ? 'no info power' : undefined
    case 'removeIf':
      return setup.without?.includes('removeIf') ? 'no removeIf power' : undefined
    case 'atomic':
      return setup.without?.includes('atomic') ? 'no atomic power' : undefined
    case 'value-limit':
      return setup.without?.includes('value-limit') ? 'values above 8 MiB are accepted' : undefined
    case 'server':
      return setup.server ? undefined : 'the setup cannot stop the server'
    case 'hang':
      return setup.server?.pause && setup.server.resume ? undefined : 'the setup cannot make the server hang'
    case 'credentials':
      return setup.openRefused ? undefined : 'the setup has no credentials that are refused'
  }
}
