import type { BarSeriesOption, EChartsOption, GridComponentOption } from 'echarts'
import { heading, WIDTH, type Size } from '../remap/charts/frame.ts'
import type { Chart } from '../remap/charts/svg.ts'
import { LIGHT } from '../remap/charts/theme.ts'

/** Bars of the same rows in one panel or several: beside each other, or below each other on a narrow page. */
export interface Panels {
  /** Letters, digits and dashes; the only one on its page. */
  readonly id: string
  readonly title: string
  readonly subtitle: readonly string[]
  readonly rows: readonly { readonly name: string; readonly ours: boolean }[]
  readonly panels: readonly Panel[]
}

export interface Panel {
  /** Above the bars; none where one panel says it all. */
  readonly title?: string
  /** One per row. */
  readonly values: readonly number[]
  /** What stands behind each bar. */
  readonly labels: readonly string[]
}

const LEFT = 24
const NAMES = 190
const GAP = 18
/** The share of a panel's width that the longest bar takes; the rest is for its label. */
const LONGEST: Record<Size, number> = { wide: 0.55, narrow: 0.68 }
const PANEL_TITLE = 30

/** Draws the rows with names of their own, the library's set off by its colour. */
export function panelsChart(chart: Panels, size: Size): Chart {
  const { id, title, subtitle, rows, panels } = chart
  const narrow = size === 'narrow'
  const head = heading({ title, subtitle }, size)
  const rowHeight = narrow ? 40 : 30
  const plot = rows.length * rowHeight
  const titled = panels.some((panel) => panel.title !== undefined) ? PANEL_TITLE : 8
  const top = head.bottom + 10
  const boxes = panels.map((_, i) =>
    narrow ? below(i, top, titled, plot) : beside(i, panels.length, top, titled, plot),
  )
  return {
    id: `${id}-${size}`,
    width: WIDTH[size],
    height: top + (narrow ? panels.length : 1) * (titled + plot) + 22,
    title,
    description: describe(chart),
    option: {
      ...head.option,
      grid: boxes,
      graphic: panels.flatMap((panel, i) => panelTitle(panel, boxes[i] as Box)),
      xAxis: panels.map(({ values }, i) => ({
        type: 'value',
        gridIndex: i,
        show: false,
        min: 0,
        max: (Math.max(...values) || 1) / (panels.length === 1 && !narrow ? 0.8 : LONGEST[size]),
      })),
      yAxis: panels.map((_, i) => ({
        type: 'category',
        gridIndex: i,
        inverse: true,
        data: rows.map(({ name }) => name),
        axisTick: { show: false },
        axisLine: { show: true, lineStyle: { color: LIGHT.border } },
        axisLabel: {
          show: !narrow && i === 0,
          color: LIGHT.ink,
          fontSize: 13,
          margin: 12,
          width: NAMES - 8,
          overflow: 'truncate',
        },
      })),
      series: panels.flatMap((panel, i) => series(chart, panel, i, narrow)),
    },
  }
}

interface Box extends GridComponentOption {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
}

function beside(i: number, count: number, top: number, titled: number, height: number): Box {
  const width = (WIDTH.wide - LEFT * 2 - NAMES - GAP * (count - 1)) / count
  return { left: LEFT + NAMES + i * (width + GAP), top: top + titled, width, height }
}

function below(i: number, top: number, titled: number, height: number): Box {
  return { left: LEFT, top: top + titled + i * (titled + height), width: WIDTH.narrow - LEFT * 2, height }
}

type Graphic = Extract<NonNullable<EChartsOption['graphic']>, readonly unknown[]>[number]

function panelTitle({ title }: Panel, { left, top }: Box): Graphic[] {
  if (title === undefined) return []
  const style = { text: title, fill: LIGHT.ink, fontSize: 13, fontWeight: 'bold' } as const
  return [{ type: 'text', left, top: top - 20, style }]
}

function series({ rows }: Panels, { values, labels }: Panel, i: number, narrow: boolean): BarSeriesOption[] {
  const at = { type: 'bar', xAxisIndex: i, yAxisIndex: i, silent: true } as const
  const bars: BarSeriesOption = {
    ...at,
    barWidth: narrow ? 14 : 18,
    data: values.map((value, row) => ({
      value,
      itemStyle: { color: rows[row]?.ours ? LIGHT.good : LIGHT.plain },
      label: { fontWeight: rows[row]?.ours ? 'bold' : 'normal' },
    })),
    label: {
      show: true,
      position: 'right',
      distance: 6,
      color: LIGHT.ink,
      fontSize: 12,
      formatter: ({ dataIndex }) => labels[dataIndex] ?? '',
    },
  }
  if (!narrow) return [bars]
  // Where there is no room beside the bars, the names stand above them.
  const names: BarSeriesOption = {
    ...at,
    barGap: '-100%',
    barWidth: 14,
    data: rows.map(() => 0),
    label: {
      show: true,
      position: [0, -16],
      color: LIGHT.ink,
      fontSize: 12,
      formatter: ({ dataIndex }) => rows[dataIndex]?.name ?? '',
    },
  }
  return [bars, names]
}

function describe({ rows, panels }: Panels): string {
  return panels
    .map(({ title, labels }) => {
      const figures = rows.map(({ name }, row) => `${name}: ${labels[row] ?? ''}`).join('; ')
      return title === undefined ? figures : `${title}: ${figures}`
    })
    .join('. ')
}
