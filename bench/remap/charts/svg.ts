import * as echarts from 'echarts'
import type { EChartsOption } from 'echarts'
import { LIGHT } from './theme.ts'

/** A chart before it is drawn. */
export interface Chart {
  /** Begins the ids inside the SVG, so that several can stand in one page. */
  readonly id: string
  readonly width: number
  readonly height: number
  /** What the chart says in one line, for those who hear it. */
  readonly title: string
  /** What it shows, with the figures, for those who hear it. */
  readonly description: string
  readonly option: EChartsOption
}

/** Draws a chart on a card of its own, so that it reads on a light and on a dark page. The same bytes for the same chart. */
export function drawSvg(chart: Chart): string {
  const { id, width, height } = chart
  const drawing = echarts.init(null, null, { renderer: 'svg', ssr: true, width, height })
  drawing.setOption({ ...chart.option, animation: false, textStyle: { fontFamily: 'sans-serif' } })
  const drawn = drawing.renderToSVGString()
  drawing.dispose()

  const head = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="${id}-title ${id}-desc">
<title id="${id}-title">${escapeText(chart.title)}</title>
<desc id="${id}-desc">${escapeText(chart.description)}</desc>
<rect x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="10" fill="${LIGHT.card}" stroke="${LIGHT.border}"></rect>`
  return `${drawn
    .replace(/^<svg [^>]*>\s*<rect [^>]*><\/rect>/, head)
    // What only a chart that can be hovered over needs, and what counts the charts drawn before this one.
    .replace(/<style ?>[\s\S]*<\/style>\s*/, '')
    .replace(/ (?:class|pointer-events|ecmeta_\w+)="[^"]*"/g, '')
    .replace(/\bzr\d+-/g, `${id}-`)}\n`
}

/** Text as it stands between tags or inside quotes. */
export function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
