import pc from 'picocolors'

/** A table for the terminal; the first `left` columns are words, the others figures. */
export function table(
  title: string,
  head: readonly string[],
  rows: readonly (readonly string[])[],
  left: number,
): string {
  const widths = head.map((word, i) => Math.max(word.length, ...rows.map((cells) => (cells[i] ?? '').length)))
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (i < left ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join('  ')
      .trimEnd()
  return ['', pc.bold(title), pc.dim(line(head)), ...rows.map(line)].join('\n')
}

/** `31124` → `31,124`. */
export function whole(count: number): string {
  return Math.round(count).toLocaleString('en-US')
}
