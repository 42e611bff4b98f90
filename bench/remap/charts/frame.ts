import type { EChartsOption, ScatterSeriesOption } from 'echarts'
import { LIGHT } from './theme.ts'

/** How much room a chart has: beside text on a page, or on a phone. */
export type Size = 'wide' | 'narrow'

export const WIDTH: Record<Size, number> = { wide: 820, narrow: 400 }

const PADDING = 24
const TITLE = { wide: { size: 20, line: 27, chars: 74 }, narrow: { size: 17, line: 23, chars: 36 } }
const SUBTITLE = { wide: { size: 14, line: 21, chars: 104 }, narrow: { size: 13, line: 19, chars: 47 } }

/** The heading of a chart: its message and how to read it. */
export interface Heading {
  readonly title: string
  /** One entry per line on a wide chart; each is wrapped on a narrow one. */
  readonly subtitle: readonly string[]
}

/** The heading as an option, and the height at which the plot may begin. */
export function heading({ title, subtitle }: Heading, size: Size): { option: EChartsOption; bottom: number } {
  const head = TITLE[size]
  const sub = SUBTITLE[size]
  const titleLines = wrap(title, head.chars)
  const subLines = subtitle.flatMap((line) => wrap(line, sub.chars))
  const option: EChartsOption = {
    title: {
      left: PADDING,
      top: PADDING - 4,
      padding: 0,
      itemGap: 8,
      text: titleLines.join('\n'),
      subtext: subLines.join('\n'),
      textStyle: { fontSize: head.size, lineHeight: head.line, fontWeight: 'bold', color: LIGHT.ink },
      subtextStyle: { fontSize: sub.size, lineHeight: sub.line, color: LIGHT.muted },
    },
  }
  return { option, bottom: PADDING + titleLines.length * head.line + 8 + subLines.length * sub.line }
}

/** Breaks text at blanks into lines of at most `limit` characters. */
export function wrap(text: string, limit: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`
    if (line !== '' && longer.length > limit) {
      lines.push(line)
      line = word
    } else {
      line = longer
    }
  }
  return [...lines, line]
}

/** The axis text of all charts. */
export function axisLabel(size: Size): { color: string; fontSize: number } {
  return { color: LIGHT.muted, fontSize: size === 'wide' ? 13 : 12 }
}

interface LineStyle {
  readonly lineStyle: { readonly color: string }
}

/** The line and ticks of an axis that is drawn. */
export const AXIS_LINE: { readonly axisLine: LineStyle & { readonly show: boolean }; readonly axisTick: LineStyle } = {
  axisLine: { show: true, lineStyle: { color: LIGHT.plain } },
  axisTick: { lineStyle: { color: LIGHT.plain } },
}

export const GRID_LINE: LineStyle = { lineStyle: { color: LIGHT.grid } }

/** Texts beside the bars of a horizontal bar chart, each beginning at a value: points without a mark, with a label. */
export function labels(at: readonly number[], texts: readonly string[], style: LabelStyle): ScatterSeriesOption {
  return {
    type: 'scatter',
    symbolSize: 0,
    silent: true,
    itemStyle: { color: 'transparent', opacity: 1 },
    data: at.map((value, index) => [value, index]),
    label: { show: true, position: 'right', formatter: ({ dataIndex }) => texts[dataIndex] ?? '', ...style },
  }
}

/** The names of the rows above their bars, where a narrow chart has no room beside them. They cover the lines behind them. */
export function namesAbove(names: readonly string[], offset: number): ScatterSeriesOption {
  const style = { offset: [-7, offset], color: LIGHT.ink, fontSize: 13, backgroundColor: LIGHT.card, padding: [1, 2] }
  return { ...labels(Array<number>(names.length).fill(0), names, style), z: 10 }
}

type LabelStyle = Pick<
  NonNullable<ScatterSeriesOption['label']>,
  'backgroundColor' | 'color' | 'distance' | 'fontSize' | 'offset' | 'padding'
>
