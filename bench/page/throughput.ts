import { titleOf } from '../throughput/cases.ts'
import type { CaseResult, Results } from '../throughput/measure.ts'
import type { Panels } from './panels-chart.ts'
import { isOurs, label, measuredTable, type Section, short } from './section.ts'

/** How many calls a second go through one process. */
export function throughputSection(results: Results): Section {
  const { cases, versions, leftOut, machine, rounds } = results
  const titles = [...new Set(cases.map(titleOf))]
  const groups = titles.map((title) => cases.filter((one) => titleOf(one) === title))
  return {
    name: 'throughput',
    title: 'Calls a second through real servers',
    lead: `One process asks servers on the same machine, with 1, 32 and 256 calls in flight. The plain clients do less: they check
nothing, have no deadline and no circuit, and on three nodes this library’s ring routes them. × is how many times the calls of the
plain client that is named; the median of ${rounds} rounds.`,
    charts: groups.map(chart),
    tables: groups.map((group) =>
      measuredTable(
        titleOf(group[0] as CaseResult),
        'thousands of calls a second',
        group.map(({ inFlight, measured }) => ({ title: `${inFlight} in flight`, measured })),
        versions,
      ),
    ),
    machine,
    versions,
    leftOut,
  }
}

function chart(group: readonly CaseResult[], index: number): Panels {
  const [first] = group as [CaseResult]
  return {
    id: `throughput-${index + 1}`,
    title: titleOf(first),
    subtitle: [`Thousands of calls a second: longer is better. ×: of ${first.baseline}`],
    rows: first.measured.map(({ contender }) => ({ name: contender, ours: isOurs(contender) })),
    panels: group.map(({ inFlight, measured }) => {
      const all = first.measured.map(({ contender }) => measured.find((one) => one.contender === contender))
      return {
        title: `${inFlight} in flight`,
        values: all.map((one) => one?.value ?? 0),
        labels: all.map((one) => (one ? label(short(one.value), one) : 'failed')),
      }
    }),
  }
}
