import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root: string = fileURLToPath(new URL('../..', import.meta.url))

/** One page of the documentation. */
export interface Page {
  /** Below the root of the repository. */
  readonly path: string
  readonly text: string
}

/** A code block: what stands between its fences. */
export interface Block {
  readonly language: string
  readonly code: string
  /** The line of the page on which the code begins, from 1. */
  readonly line: number
}

/** All pages that people read. */
export function pages(): Page[] {
  const docs = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'))
  const paths = ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', ...docs.map((name) => `docs/${name}`)]
  return paths.map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))
}

/** One page, by its path. */
export function page(path: string): Page {
  const found = pages().find((each) => each.path === path)
  if (found === undefined) throw new Error(`there is no page ${path}`)
  return found
}

export function blocks({ text }: Page): Block[] {
  return [...text.matchAll(/^( *)```(\w*)\n([\s\S]*?)^ *```$/gm)].map((match) => ({
    language: match[2] ?? '',
    code: (match[3] ?? '').replaceAll(new RegExp(`^${match[1]}`, 'gm'), ''),
    line: text.slice(0, match.index).split('\n').length + 1,
  }))
}

/** The page without its code blocks and inline code, line by line as it was. */
export function prose({ text }: Page): string {
  return text
    .replaceAll(/^( *)```[\s\S]*?^ *```$/gm, (block) => block.replaceAll(/[^\n]/g, ''))
    .replaceAll(/`[^`\n]*`/g, '')
}

/** The targets of links and images. */
export function links(from: Page): string[] {
  return [...prose(from).matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] ?? '')
}

/** The anchors of a page's headings, as GitHub makes them. */
export function anchors({ text }: Page): string[] {
  const without = text.replaceAll(/^( *)```[\s\S]*?^ *```$/gm, '')
  return [...without.matchAll(/^#+ (.+)$/gm)].map((match) =>
    (match[1] ?? '')
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(' ', '-'),
  )
}

/**
 * The rows of the table below a heading, their cells by the heads of the columns. Pipes in code are escaped.
 *
 * @param column a head that tells the table from others below that heading; the first table unless given
 * @throws Error when there is no such heading, or no such table below it
 */
export function table({ path, text }: Page, heading: string, column = ''): Record<string, string>[] {
  const lines = text.split('\n')
  const start = lines.findIndex((line) => /^#+ /.test(line) && line.replace(/^#+ /, '') === heading)
  if (start === -1) throw new Error(`${path} has no heading "${heading}"`)
  const section = lines.slice(start + 1)
  const end = section.findIndex((line) => /^#+ /.test(line))
  const below = section.slice(0, end === -1 ? undefined : end)
  const first = below.findIndex((line) => line.startsWith('|') && line.includes(column))
  if (first === -1) throw new Error(`${path} has no such table below "${heading}"`)
  const rest = below.slice(first)
  const last = rest.findIndex((line) => !line.startsWith('|'))
  const [head = [], , ...body] = rest.slice(0, last === -1 ? undefined : last).map(cellsOf)
  return body.map((cells) => Object.fromEntries(head.map((name, index) => [name, cells[index] ?? ''])))
}

function cellsOf(row: string): string[] {
  const cells = row.split(/(?<!\\)\|/).slice(1, -1)
  return cells.map((cell) => cell.trim().replaceAll('\\|', '|'))
}
