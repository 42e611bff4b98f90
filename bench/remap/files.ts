import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { balanceChart } from './charts/balance-chart.ts'
import type { Size } from './charts/frame.ts'
import { remapChart } from './charts/remap-chart.ts'
import { drawSvg } from './charts/svg.ts'
import { trafficChart } from './charts/traffic-chart.ts'
import { renderPage } from './page.ts'
import { renderJson, type Results } from './results.ts'

/** A file that a run makes: its path in the repository and its text. */
export interface Output {
  readonly path: string
  readonly text: string
}

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** Everything that is committed: the figures, the page and the pictures of the README. */
export function outputs(results: Results): Output[] {
  const draw = (size: Size): Record<'remap' | 'balance' | 'traffic', string> => ({
    remap: drawSvg(remapChart(results, size)),
    balance: drawSvg(balanceChart(results, size)),
    traffic: drawSvg(trafficChart(results, size)),
  })
  const wide = draw('wide')
  return [
    { path: 'bench/results/remap.json', text: renderJson(results) },
    { path: 'bench/results/remap.html', text: renderPage(results, wide, draw('narrow')) },
    ...Object.entries(wide).map(([name, text]) => ({ path: `docs/images/${name}.svg`, text })),
  ]
}

/** Writes the files; under `folder` and without their own folders, when one is given. */
export async function writeOutputs(files: readonly Output[], folder?: string): Promise<string[]> {
  const paths = files.map(({ path }) => (folder === undefined ? path : join(folder, path.replace(/^.*\//, ''))))
  for (const [index, path] of paths.entries()) {
    await mkdir(dirname(join(ROOT, path)), { recursive: true })
    await writeFile(join(ROOT, path), (files[index] as Output).text)
  }
  return paths
}

/** The paths of those files that are not in the repository as a run makes them. */
export async function staleOutputs(files: readonly Output[]): Promise<string[]> {
  const committed = await Promise.all(
    files.map(({ path }) => readFile(join(ROOT, path), 'utf8').catch(() => undefined)),
  )
  return files.filter(({ text }, index) => text !== committed[index]).map(({ path }) => path)
}
