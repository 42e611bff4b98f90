import { figure } from '../kit/table.ts'
import { crowdTitle } from '../stampede/crowd.ts'
import type { Results } from '../stampede/measure.ts'
import { isOurs, type Section } from './section.ts'

/** How often a key is loaded that many ask for at once. */
export function stampedeSection({ crowds, load, rounds, versions, machine, leftOut }: Results): Section {
  const named = crowds.map((crowd) => ({
    ...crowd,
    title: crowdTitle(crowd),
  }))
  return {
    name: 'stampede',
    title: 'Everybody wants the same key',
    lead: `The key is nowhere, its loader takes ${load} ms, and all processes ask at the same moment, each with memory of its own and one
Redis behind all of them. Each load is one query that the database has to answer. Medians of ${rounds} rounds.`,
    charts: named.map(({ title, outcomes }, index) => ({
      id: `stampede-${index + 1}`,
      title,
      subtitle: [`One cold key, a loader of ${load} ms: shorter is better`],
      rows: outcomes.map(({ contender }) => ({ name: contender, ours: isOurs(contender) })),
      panels: [
        {
          title: 'Loads, in all processes',
          values: outcomes.map(({ loads }) => loads),
          labels: outcomes.map(({ loads }) => figure(loads, 0)),
        },
        {
          title: 'The slowest answer',
          values: outcomes.map(({ slowestWait }) => slowestWait),
          labels: outcomes.map(({ slowestWait }) => `${figure(slowestWait, 0)} ms`),
        },
      ],
    })),
    tables: named.map(({ title, outcomes }) => ({
      title,
      columns: ['', 'loads', 'loads, at most', 'median wait, ms', 'slowest wait, ms'],
      groups: [
        {
          name: '',
          rows: outcomes.map(({ contender, loads, mostLoads, medianWait, slowestWait }) => ({
            cells: [
              `${contender} (${versions[contender] ?? ''})`,
              ...[loads, mostLoads, medianWait, slowestWait].map((value) => figure(value, 0)),
            ],
            ours: isOurs(contender),
          })),
        },
      ],
    })),
    machine,
    versions,
    leftOut,
  }
}
