import { BY_HAND, DIRECT } from '../loader/names.ts'
import type { Results, RowResult } from '../loader/measure.ts'
import type { Panels } from './panels-chart.ts'
import { isOurs, label, measuredTable, type Section, short } from './section.ts'

/** What a miss costs. */
export function loaderSection({ missing, down, rounds, versions, machine, leftOut }: Results): Section {
  const missTitle = 'A miss: read, load, write'
  const downTitle = 'No server answers'
  const panels = (rows: readonly RowResult[]): { title: string; measured: RowResult['measured'] }[] =>
    rows.map(({ inFlight, measured }) => ({ title: `${inFlight} in flight`, measured }))
  return {
    name: 'loader',
    title: 'What the loader path costs',
    lead: `A loader that answers at once, so that all the time is the cache’s: a key that is nowhere is read, loaded and written to one Redis.
By hand, that is a GET and a SET. sharded-cache also takes a lease, by which other processes wait for this load, and writes only while it
has it. Then the same with the server gone, against calling the loader itself. Medians of ${rounds} rounds.`,
    charts: [chart('loader-miss', missTitle, BY_HAND, missing), chart('loader-down', downTitle, DIRECT, down)],
    tables: [
      measuredTable(`${missTitle} (×: of ${BY_HAND})`, 'µs a call', panels(missing), versions),
      measuredTable(`${downTitle} (×: of ${DIRECT})`, 'µs a call', panels(down), versions),
    ],
    machine,
    versions,
    leftOut,
  }
}

function chart(id: string, title: string, baseline: string, rows: readonly RowResult[]): Panels {
  return {
    id,
    title,
    subtitle: [`Microseconds per call: shorter is better. ×: of ${baseline}`],
    rows: (rows[0]?.measured ?? []).map(({ contender }) => ({ name: contender, ours: isOurs(contender) })),
    panels: rows.map(({ inFlight, measured }) => ({
      title: `${inFlight} in flight`,
      values: measured.map(({ value }) => value),
      labels: measured.map((one) => label(`${short(one.value)} µs`, one)),
    })),
  }
}
