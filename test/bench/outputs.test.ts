import { beforeAll, describe, expect, it } from 'vitest'
import { outputs, staleOutputs, type Output } from '../../bench/remap/files.ts'
import { silent } from '../../bench/kit/progress.ts'
import { measure, SMOKE_PLAN, type Plan, type Results } from '../../bench/remap/results.ts'
import { renderTerminal } from '../../bench/remap/terminal.ts'

const plan: Plan = {
  keys: 5_000,
  nodeCounts: [3, 10],
  balanceKeys: 5_000,
  balanceSets: 2,
  traffic: { ...SMOKE_PLAN.traffic, keys: 1_000, requests: 2_000 },
}
let results: Results
let files: Output[]
const text = (path: string): string => files.find((file) => file.path === path)?.text as string

beforeAll(async () => {
  results = await measure(plan, silent)
  files = outputs(results)
})

describe('what a run makes', () => {
  it('is the same, byte for byte, on every run', async () => {
    expect(outputs(await measure(plan, silent))).toEqual(files)
  })

  it('is the figures, the page and three pictures', () => {
    expect(files.map(({ path }) => path)).toEqual([
      'bench/results/remap.json',
      'bench/results/remap.html',
      'docs/images/remap.svg',
      'docs/images/balance.svg',
      'docs/images/traffic.svg',
    ])
    expect((JSON.parse(text('bench/results/remap.json')) as { plan: unknown }).plan).toEqual(plan)
  })

  it('shows every figure of a table in the terminal and on the page', () => {
    const shown = renderTerminal(results)
    const cells = [...text('bench/results/remap.html').matchAll(/<td>([^<]+)<\/td>/g)].map(
      (match) => match[1] as string,
    )
    expect(cells.length).toBeGreaterThan(140)
    for (const cell of cells) expect(shown).toContain(cell)
  })
})

describe('the pictures', () => {
  it('say what they show to those who hear them, and bring their own background', () => {
    for (const name of ['remap', 'balance', 'traffic']) {
      const svg = text(`docs/images/${name}.svg`)
      expect(svg).toMatch(
        /^<svg [^>]*role="img" aria-labelledby="[\w-]+ [\w-]+">\n<title id="[\w-]+">[^<]+<\/title>\n<desc /,
      )
      expect(svg).toContain('fill="#ffffff"')
      expect(svg).not.toMatch(/NaN|undefined|class=|zr\d/)
    }
  })
})

describe('the page', () => {
  it('asks the network for nothing', () => {
    const addresses = text('bench/results/remap.html').match(/https?:\/\/[^"'\s<]+/g)
    expect(new Set(addresses)).toEqual(new Set(['http://www.w3.org/2000/svg']))
    expect(text('bench/results/remap.html')).not.toMatch(/<script|<link|<img|@import|url\((?!#)/)
  })

  it('uses every id once', () => {
    const ids = [...text('bench/results/remap.html').matchAll(/ id="([^"]+)"/g)].map((match) => match[1])
    expect(new Set(ids).size).toBe(ids.length)
  })
})

describe('the check', () => {
  it('names a committed file that is stale, and one that is missing', async () => {
    const path = 'docs/images/remap.svg'
    expect(await staleOutputs([{ path, text: 'another picture' }])).toEqual([path])
    expect(await staleOutputs([{ path: 'bench/results/none.json', text: '' }])).toEqual(['bench/results/none.json'])
  })
})
