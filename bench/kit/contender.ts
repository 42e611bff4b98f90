import { existsSync } from 'node:fs'
import { competitorVersion } from '../competitors/load.ts'
import { versionOf } from './machine.ts'

/** What the benchmarks know about everybody who takes part. */
export interface Contender {
  readonly name: string
  /** The package whose version is shown. */
  readonly of: string
  /** It is installed in `bench/competitors`, not in the repository. */
  readonly competitor?: true
  /** It runs on a newer Node than the oldest that this library supports. */
  readonly newer?: true
  /** The packages that its process loads instead of those named. */
  readonly instead?: Readonly<Record<string, string>>
}

/** Who stays out of a run, and why. */
export interface LeftOut {
  readonly name: string
  readonly why: string
}

/** The Node for those that need a newer one, as `scripts/bench.mjs` found it. */
const NEWER_NODE = process.env['BENCH_NEWER_NODE'] ?? ''
const NEWER_VERSION = process.env['BENCH_NEWER_NODE_VERSION'] ?? ''

/** The program that a contender's process runs on. */
export function nodeOf({ newer }: Contender): string {
  return newer === true ? NEWER_NODE : process.execPath
}

/** Those that can run here, with their versions, and those that cannot. */
export function takePart<C extends Contender>(
  all: readonly C[],
): { taking: C[]; leftOut: LeftOut[]; versions: Record<string, string> } {
  const taking: C[] = []
  const leftOut: LeftOut[] = []
  const versions: Record<string, string> = {}
  for (const one of all) {
    const why = whyNot(one)
    if (why === undefined) {
      taking.push(one)
      versions[one.name] = shownVersion(one)
    } else leftOut.push({ name: one.name, why })
  }
  return { taking, leftOut, versions }
}

/** One line for everybody who is left out; nothing when nobody is. */
export function renderLeftOut(leftOut: readonly LeftOut[]): string {
  return leftOut.map(({ name, why }) => `\nLeft out: ${name} (${why})`).join('')
}

function whyNot({ competitor, newer, of }: Contender): string | undefined {
  if (newer === true && !existsSync(NEWER_NODE)) return 'it needs a newer Node, and none could be had'
  if (competitor === true && competitorVersion(of) === undefined) return `${of} is not installed in bench/competitors`
  return undefined
}

function shownVersion({ competitor, newer, of }: Contender): string {
  const version = competitor === true ? (competitorVersion(of) ?? '') : versionOf(of)
  return newer === true ? `${version}, Node ${NEWER_VERSION}` : version
}
