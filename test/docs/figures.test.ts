import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Results } from '../../bench/remap/results.ts'
import { page, root, table } from './markdown.ts'

const { remap, balance } = JSON.parse(readFileSync(join(root, 'bench/results/remap.json'), 'utf8')) as Results
const COLUMNS = {
  modulo: 'modulo',
  'this ring': 'ring-1024',
  'hashring 3.2.0': 'hashring',
  'memcache 1.7.0': 'memcache',
}

function moved(change: 'add' | 'double', contender: string): { all: string; others: string } {
  const row = remap.find((each) => each.nodes === 10 && each.change === change && each.contender === contender)
  const percent = (share = NaN): string => `${share.toFixed(1)} %`
  return { all: percent(row?.movedPercent), others: percent(row?.betweenOldPercent) }
}

function median(contender: string): string | undefined {
  return balance.find((each) => each.contender === contender)?.median.toFixed(2)
}

describe('the figures in the documentation are those of the benchmark', () => {
  const rows = table(page('README.md'), 'Compared with others', 'this ring')

  it.each(Object.entries(COLUMNS))('README: %s', (column, contender) => {
    const cells = rows.map((row) => row[column])
    const [add, double] = [moved('add', contender), moved('double', contender)]
    const peak = median(contender) ?? '–'
    expect(cells).toEqual([add.all, add.others, double.all, double.others, peak])
  })

  it('topology: how even the shares are', () => {
    const { text } = page('docs/topology.md')
    const peaks = ['ring-150', 'ring-512', 'ring-1024'].map(median)
    expect(text.replaceAll(/\s+/g, ' ')).toContain(
      `${peaks[0]} times the average with 150 points, ${peaks[1]} with 512, and ${peaks[2]} with 1,024`,
    )
  })
})
