import type { Results, RowResult } from '../l1/measure.ts'
import { figure } from '../kit/table.ts'
import type { Panels } from './panels-chart.ts'
import { isOurs, label, measuredTable, type Section } from './section.ts'

/** What a hit in the process costs. */
export function l1Section({ rows, rounds, machine, leftOut }: Results): Section {
  return {
    name: 'l1',
    title: 'A hit in the process',
    lead: `1,000 hot keys, all in the tier in the process, asked one after the other. lru-cache is what that tier is made of, without
anything around it. × is how many times the time of sharded-cache; the median of ${rounds} rounds.`,
    charts: rows.map(chart),
    tables: rows.map(({ title, measured, versions }) =>
      measuredTable(title, '', [{ title: 'ns a call', measured }], versions),
    ),
    machine,
    versions: {},
    leftOut,
  }
}

function chart({ title, measured }: RowResult, index: number): Panels {
  return {
    id: `l1-${index + 1}`,
    title,
    subtitle: ['Nanoseconds per call: shorter is better. ×: of sharded-cache'],
    rows: measured.map(({ contender }) => ({ name: contender, ours: isOurs(contender) })),
    panels: [
      {
        values: measured.map(({ value }) => value),
        labels: measured.map((one) => label(`${figure(one.value, 0)} ns`, one)),
      },
    ],
  }
}
