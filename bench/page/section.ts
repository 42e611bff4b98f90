import type { Machine } from '../kit/machine.ts'
import type { Measured } from '../kit/stats.ts'
import { figure } from '../kit/table.ts'
import type { Table } from '../remap/figures.ts'
import type { Panels } from './panels-chart.ts'

/** What one benchmark has to show. Texts are HTML. */
export interface Section {
  /** The command is `npm run bench:` and this. */
  readonly name: string
  readonly title: string
  readonly lead: string
  readonly charts: readonly Panels[]
  readonly tables: readonly Table[]
  readonly machine: Machine
  /** Names of packages with versions, and who was left out. */
  readonly versions: Readonly<Record<string, string>>
  readonly leftOut: readonly { readonly name: string; readonly why: string }[]
}

export function isOurs(name: string): boolean {
  return name.startsWith('sharded-cache')
}

/** What stands behind a bar: the figure and its ratio, which whoever is compared with has none of. */
export function label(text: string, { ratio, least, most }: Measured): string {
  return least === 1 && most === 1 ? text : `${text} · ${times(ratio)}`
}

/** `3.21` → `3.2×`, `0.874` → `0.87×`, `26.3` → `26×`. */
export function times(ratio: number): string {
  return `${figure(ratio, ratio < 1 ? 2 : ratio < 10 ? 1 : 0)}×`
}

/** As many digits as tell something: `8.53`, `12.8`, `171`. */
export function short(value: number): string {
  return figure(value, value < 10 ? 2 : value < 100 ? 1 : 0)
}

/** A table of one or several panels: for each the value, its ratio and the range of that. */
export function measuredTable(
  title: string,
  unit: string,
  panels: readonly { readonly title: string; readonly measured: readonly Measured[] }[],
  versions: Readonly<Record<string, string>>,
): Table {
  const [first] = panels
  const rows = (first?.measured ?? []).map(({ contender }) => ({
    cells: [
      versions[contender] === undefined ? contender : `${contender} (${versions[contender]})`,
      ...panels.flatMap(({ measured }) => {
        const one = measured.find((each) => each.contender === contender)
        if (!one) return ['', '']
        return [short(one.value), `${figure(one.ratio, 2)} (${figure(one.least, 2)}–${figure(one.most, 2)})`]
      }),
    ],
    ours: isOurs(contender),
  }))
  return {
    title,
    columns: [unit, ...panels.flatMap((panel) => [panel.title, '×'])],
    groups: [{ name: '', rows }],
  }
}
