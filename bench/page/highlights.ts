import { figure } from '../kit/table.ts'
import { BY_HAND } from '../loader/names.ts'
import { percent } from '../remap/format.ts'
import type { AllResults } from './results.ts'
import { isOurs, times } from './section.ts'

/** One figure at the top of the page. */
export interface Highlight {
  readonly label: string
  readonly value: string
  readonly note: string
}

/** What a hurried reader should see: one figure of each benchmark that was run. */
export function highlights({ throughput, l1, stampede, loader, routing, remap }: AllResults): Highlight[] {
  return [
    ...throughputFigure(throughput),
    ...l1Figure(l1),
    ...stampedeFigure(stampede),
    ...loaderFigure(loader),
    ...routingFigure(routing),
    ...remapFigure(remap),
  ]
}

function throughputFigure(results: AllResults['throughput']): Highlight[] {
  const found = results?.cases.find(
    ({ kind, operation, size, nodes, inFlight }) =>
      [kind, operation, size, nodes, inFlight].join() === 'redis,get,100,1,256',
  )
  const ours = found?.measured.find(({ contender }) => contender === 'sharded-cache')
  if (!found || !ours) return []
  return [
    {
      label: 'Reads a second from one Redis, 256 in flight',
      value: figure(Math.round(ours.value) * 1_000, 0),
      note: `${times(ours.ratio)} those of ${found.baseline}`,
    },
  ]
}

function l1Figure(results: AllResults['l1']): Highlight[] {
  const measured = results?.rows[0]?.measured ?? []
  const [ours, other] = ['sharded-cache', 'lru-cache, fetch'].map((name) =>
    measured.find(({ contender }) => contender === name),
  )
  if (!ours || !other) return []
  return [
    {
      label: 'A hit in the process, through getOrLoad',
      value: `${figure(ours.value, 0)} ns`,
      note: `lru-cache’s own fetch: ${figure(other.value, 0)} ns`,
    },
  ]
}

function stampedeFigure(results: AllResults['stampede']): Highlight[] {
  const crowd = results?.crowds.at(-1)
  const [ours, ...others] = crowd?.outcomes ?? []
  if (!crowd || !ours || others.length === 0) return []
  const [least, most] = [Math.min(...others.map(({ loads }) => loads)), Math.max(...others.map(({ loads }) => loads))]
  return [
    {
      label: `Loads of a cold key that ${crowd.processes} processes ask for`,
      value: figure(ours.loads, 0),
      note: `the others: ${least === most ? figure(most, 0) : `${figure(least, 0)} to ${figure(most, 0)}`}`,
    },
  ]
}

function loaderFigure(results: AllResults['loader']): Highlight[] {
  const measured = results?.missing[0]?.measured ?? []
  const ours = measured.find(({ contender }) => isOurs(contender))
  const hand = measured.find(({ contender }) => contender === BY_HAND)
  if (!ours || !hand) return []
  return [
    {
      label: 'A miss besides its loader, one at a time',
      value: `${figure(ours.value, 0)} µs`,
      note: `GET and SET by hand: ${figure(hand.value, 0)} µs`,
    },
  ]
}

function routingFigure(results: AllResults['routing']): Highlight[] {
  const measured = results?.lookups[0]?.measured ?? []
  const ours = measured.find(({ contender }) => isOurs(contender))
  const other = measured.find(({ contender }) => contender.startsWith('hashring'))
  if (!ours || !other) return []
  return [
    {
      label: 'The node of a key, of ten nodes',
      value: `${figure(ours.value, 0)} ns`,
      note: `hashring: ${figure(other.value, 0)} ns`,
    },
  ]
}

function remapFigure(results: AllResults['remap']): Highlight[] {
  const added = results?.remap.filter(({ change, nodes }) => change === 'add' && nodes === 10)
  const [ring, modulo] = ['ring-1024', 'modulo'].map((name) => added?.find(({ contender }) => contender === name))
  if (!ring || !modulo) return []
  return [
    {
      label: 'Keys that move when one node joins ten',
      value: percent(ring.movedPercent),
      note: `modulo: ${percent(modulo.movedPercent)}`,
    },
  ]
}
