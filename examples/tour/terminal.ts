import cliProgress from 'cli-progress'
import pc from 'picocolors'
import { setTimeout as sleep } from 'node:timers/promises'

/** One row of a bar chart. Notes stand to the right of the bar, in columns. */
export interface Row {
  label: string
  /** How much of the bar is full: 0 to 1. */
  share: number
  notes: readonly string[]
  colour?: 'cyan' | 'green' | 'yellow' | 'red'
}

const { stdout } = process
const { NO_COLOR: no, FORCE_COLOR: yes, TERM: term } = process.env
const interactive = stdout.isTTY === true
/** Colours: on a terminal, unless it or the user says no. */
export const paint: ReturnType<typeof pc.createColors> = pc.createColors(
  !no && (Boolean(yes) || (interactive && term !== 'dumb')),
)

const MARGIN = '     '
let silent = false
let running: cliProgress.SingleBar | undefined

/** Says nothing more, and leaves the terminal as it was: the process is about to end. */
export function hush(): void {
  running?.stop()
  silent = true
}

/** How many characters a line may have. */
function width(): number {
  return Math.max(30, Math.min(interactive ? (stdout.columns ?? 80) - 1 : 80, 92))
}

/** Prints one line as it is. */
export function line(text = ''): void {
  if (!silent) stdout.write(text === '' ? '\n' : `${MARGIN}${text}\n`)
}

/** Prints one line that stands out to the left. */
export function banner(text: string): void {
  if (!silent) stdout.write(`  ${text}\n`)
}

/** Prints a paragraph, broken between words. */
export function paragraph(text: string, style: (text: string) => string = (plain) => plain): void {
  for (const row of broken(text, width() - MARGIN.length)) line(style(row))
}

/** Prints words with what there is to say about each. */
export function list(items: readonly (readonly [name: string, text: string])[]): void {
  const names = Math.max(...items.map(([name]) => name.length))
  for (const [name, text] of items) {
    const [first = '', ...more] = broken(text, width() - MARGIN.length - names - 2)
    line(`${paint.cyan(name.padEnd(names))}  ${first}`)
    for (const row of more) line(`${' '.repeat(names)}  ${row}`)
  }
}

function broken(text: string, most: number): string[] {
  const rows: string[] = []
  let row = ''
  for (const word of text.split(' ')) {
    if (row !== '' && row.length + 1 + word.length > most) {
      rows.push(row)
      row = word
    } else row = row === '' ? word : `${row} ${word}`
  }
  return [...rows, row]
}

/** Prints the title of a step, and a line of the code it is about. */
export function heading(number: number, title: string, code: string): void {
  line()
  const [first = '', ...more] = broken(title, width() - MARGIN.length)
  banner(`${paint.bold(paint.cyan(`${number}`))}  ${paint.bold(first)}`)
  for (const row of more) line(paint.bold(row))
  if (code.length + MARGIN.length <= width()) line(paint.dim(code))
  line()
}

/** Prints a bar chart with aligned columns. */
export function bars(rows: readonly Row[]): void {
  const labels = Math.max(...rows.map(({ label }) => label.length))
  const columns = Math.max(...rows.map(({ notes }) => notes.length))
  const widths = Array.from({ length: columns }, (_, i) => Math.max(...rows.map(({ notes }) => notes[i]?.length ?? 0)))
  const rest = width() - MARGIN.length - labels - 2 - widths.reduce((sum, each) => sum + each + 2, 0)
  const room = Math.max(0, Math.min(40, rest))
  for (const { label, share, notes, colour = 'cyan' } of rows) {
    const cells = notes.map((note, i) => note.padStart(widths[i] as number))
    line(`${label.padEnd(labels)}  ${room < 5 ? '' : bar(share, room, paint[colour])}  ${cells.join('  ')}`.trimEnd())
  }
}

const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉']

function bar(share: number, room: number, colour: (text: string) => string): string {
  const eighths = Math.round(Math.min(1, share) * room * 8)
  const full = '█'.repeat(eighths >> 3) + EIGHTHS[eighths & 7]
  return colour(full) + paint.dim('·'.repeat(room - full.length))
}

/** Prints a table: the first column to the left, the others to the right. Gives up columns that do not fit. */
export function table(rows: readonly (readonly string[])[]): void {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)))
  const taken = widths.reduce((sum, each) => sum + each + 2, MARGIN.length - 2)
  if (taken > width() && widths.length > 2) return table(rows.map((row) => row.slice(0, -1)))
  for (const row of rows) {
    const cells = row.map((cell, i) =>
      i === 0 ? cell.padEnd(widths[i] as number) : cell.padStart(widths[i] as number),
    )
    line(cells.join('  ').trimEnd())
  }
}

/** Gives a reader time, on a terminal only. */
export async function pause(ms: number): Promise<void> {
  if (interactive && !silent) await sleep(ms)
}

/** Shows how far something has come: a bar on a terminal, a line for every quarter elsewhere. */
export function progress(total: number, noun: string): { step(): void; done(): void } {
  let value = 0
  if (!interactive) {
    const step = (): void => {
      value++
      if (value % Math.ceil(total / 4) === 0 || value === total) line(`${number(value)} of ${number(total)} ${noun}`)
    }
    return { step, done() {} }
  }
  const room = Math.max(8, Math.min(40, width() - MARGIN.length - 26 - noun.length))
  const bar = new cliProgress.SingleBar({
    stream: stdout,
    format: `${MARGIN}${paint.cyan('{bar}')}  {percentage} %  {value} of {total} ${noun}`,
    formatValue: (each, _, type) => (type === 'percentage' ? `${each}`.padStart(3) : number(each)),
    barCompleteChar: '█',
    barIncompleteChar: '·',
    barsize: room,
    hideCursor: true,
    gracefulExit: false,
    fps: 20,
  })
  running = bar
  bar.start(total, 0)
  return {
    step: () => {
      value++
      bar.update(value)
    },
    done: () => bar.stop(),
  }
}

/** A whole number with thousands set apart. */
export function number(value: number): string {
  return Math.round(value).toLocaleString('en')
}

/** A share as a percentage. A share that is not whole is never shown as 100 %, nor as 0 %. */
export function percent(share: number): string {
  const shown = (100 * share).toFixed(1)
  if (share < 1 && shown === '100.0') return '> 99.9 %'
  if (share > 0 && shown === '0.0') return '< 0.1 %'
  return `${shown} %`
}

/** A time given in milliseconds. */
export function time(ms: number): string {
  if (ms >= 1000) return `${(ms / 1000).toFixed(1)} s`
  return `${ms >= 100 ? ms.toFixed(0) : ms >= 1 ? ms.toFixed(1) : ms.toFixed(3)} ms`
}
