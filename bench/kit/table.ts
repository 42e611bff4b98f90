import pc from 'picocolors'

/** A table for the terminal: the first column names the row, the others hold figures. */
export function table(
  title: string,
  head: readonly string[],
  rows: readonly (readonly string[])[],
  ours: RegExp,
): string {
  const widths = head.map((word, i) => Math.max(word.length, ...rows.map((cells) => (cells[i] ?? '').length)))
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join('   ')
      .trimEnd()
  const shown = rows.map((cells) => (ours.test(cells[0] ?? '') ? pc.bold(pc.green(line(cells))) : line(cells)))
  return ['', pc.bold(title), pc.dim(line(head)), ...shown].join('\n')
}

/** With so many digits behind the point. */
export function figure(value: number, digits: number): string {
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}
