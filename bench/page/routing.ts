import { figure } from '../kit/table.ts'
import type { Results } from '../routing/measure.ts'
import { isOurs, label, measuredTable, type Section } from './section.ts'

/** How long it takes from a key to its node. */
export function routingSection({ lookups, build, keys, rounds, machine }: Results): Section {
  const [first] = lookups
  return {
    name: 'routing',
    title: 'From a key to its node',
    lead: `${keys.toLocaleString('en-US')} keys of 19 characters, on 10 and 100 nodes of 1,024 points. × is how many times the time that it takes to
look at every character of the key once; the median of ${rounds} rounds. A ring of ${build.nodes} nodes takes ${figure(build.whole, 1)} ms to build, and
${figure(build.add, 1)} ms when one node joins.`,
    charts: [
      {
        id: 'routing',
        title: 'The node of a key',
        subtitle: ['Nanoseconds per key: shorter is better. ×: of reading every character once'],
        rows: (first?.measured ?? []).map(({ contender }) => ({ name: contender, ours: isOurs(contender) })),
        panels: lookups.map(({ nodes, measured }) => ({
          title: `${nodes} nodes`,
          values: measured.map(({ value }) => value),
          labels: measured.map((one) => label(`${figure(one.value, 0)} ns`, one)),
        })),
      },
    ],
    tables: [
      measuredTable(
        'Routing',
        'ns per key',
        lookups.map(({ nodes, measured }) => ({ title: `${nodes} nodes`, measured })),
        {},
      ),
    ],
    machine,
    versions: {},
    leftOut: [],
  }
}
