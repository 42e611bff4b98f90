import { escapeText } from './charts/svg.ts'
import type { Table } from './figures.ts'

/** A table as HTML. A group without a name has no line of its own. */
export function renderTable(table: Table): string {
  const id = `table-${table.title.toLowerCase().replaceAll(/\W+/g, '-')}`
  const [first, ...rest] = table.columns.map(escapeText)
  const bodies = table.groups.map(({ name, rows }) => {
    const lines = rows.map(({ cells: [label, ...figures], ours }) => {
      const cells = figures.map((figure) => `<td>${escapeText(figure)}</td>`).join('')
      return `<tr${ours ? ' class="ours"' : ''}><th scope="row">${escapeText(label ?? '')}</th>${cells}</tr>`
    })
    const heading = `<tr class="group"><th scope="rowgroup" colspan="${table.columns.length}">${escapeText(name)}</th></tr>`
    return `<tbody>\n${name === '' ? '' : `${heading}\n`}${lines.join('\n')}\n</tbody>`
  })
  const corner = first === '' ? '<td></td>' : `<th scope="col">${first}</th>`
  return `<div class="scroll" role="region" aria-labelledby="${id}" tabindex="0">
<table>
<caption id="${id}">${escapeText(table.title)}</caption>
<thead><tr>${corner}${rest.map((column) => `<th scope="col">${column}</th>`).join('')}</tr></thead>
${bodies.join('\n')}
</table>
</div>`
}
