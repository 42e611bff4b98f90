import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { renderPage } from '../../bench/page/page.ts'
import { readResults } from '../../bench/page/results.ts'

const FOLDER = fileURLToPath(new URL('../../bench/results', import.meta.url))

describe('the page of all benchmarks', async () => {
  const results = await readResults(FOLDER)
  const page = renderPage(results)

  it('is the one that the committed figures give', async () => {
    expect(await readFile(`${FOLDER}/index.html`, 'utf8')).toBe(page)
  })

  it('has a section, charts and a table for each benchmark', () => {
    expect(Object.keys(results).toSorted()).toEqual(['l1', 'loader', 'remap', 'routing', 'stampede', 'throughput'])
    for (const name of ['throughput', 'l1', 'stampede', 'loader', 'routing']) {
      const section = page.slice(page.indexOf(`<section id="${name}">`)).split('</section>')[0] as string
      expect(section).toContain('<svg ')
      expect(section).toContain('<tr class="ours">')
    }
  })

  it('asks the network for nothing', () => {
    const addresses = page.match(/https?:\/\/[^"'\s<]+/g)
    expect(new Set(addresses)).toEqual(new Set(['http://www.w3.org/2000/svg']))
    expect(page).not.toMatch(/<script|<link|<img|@import|url\((?!#)/)
  })

  it('uses every id once, and says nothing that is no number', () => {
    const ids = [...page.matchAll(/ id="([^"]+)"/g)].map((match) => match[1])
    expect(ids.filter((id, i) => ids.indexOf(id) !== i)).toEqual([])
    expect(page).not.toMatch(/NaN|undefined|Infinity/)
  })

  it('is drawn without what was not measured', () => {
    const empty = renderPage({})
    expect(empty).toContain('<h1>Benchmarks</h1>')
    expect(empty).not.toContain('<svg ')
  })
})
