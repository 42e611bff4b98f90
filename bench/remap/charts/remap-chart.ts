import { percent, whole } from '../format.ts'
import type { RemapRow } from '../measure.ts'
import type { Results } from '../results.ts'
import { axisLabel, GRID_LINE, heading, labels, namesAbove, WIDTH, wrap, type Size } from './frame.ts'
import type { Chart } from './svg.ts'
import { LIGHT } from './theme.ts'

const NODES = 10

/** One node joins ten: how many keys move, and how many of them for nothing. */
export function remapChart(results: Results, size: Size): Chart {
  const rows = results.remap.filter((row) => row.change === 'add' && row.nodes === NODES)
  const of = (contender: string): RemapRow => rows.find((row) => row.contender === contender) as RemapRow
  const [modulo, ring] = [of('modulo'), of('ring-1024')]
  const ideal = ring.idealPercent
  const narrow = size === 'narrow'
  const names = rows.map((row) => {
    const label = results.contenders.find(({ id }) => id === row.contender)?.label ?? row.contender
    return row.contender === 'ring-1024' ? `${label} (default)` : label
  })
  const title = `One node joins ten: the ring moves ${percent(ring.movedPercent, 0)} of the keys, modulo ${percent(modulo.movedPercent, 0)}`
  const head = heading({ title, subtitle: [`Share of ${whole(results.plan.keys)} keys whose owner changes`] }, size)
  const fontSize = narrow ? 12 : 14
  const barHeight = narrow ? 24 : 28
  const top = head.bottom + (narrow ? 48 : 42)
  const rowHeight = narrow ? 58 : 46
  const plot = rows.length * rowHeight
  const note = wrap(
    'Less than ideal is not better: the new node then carries less than its fair share.',
    narrow ? 52 : 120,
  )
  const right = narrow ? 56 : 76
  return {
    id: `remap-${size}`,
    width: WIDTH[size],
    height: top + plot + 62 + note.length * 18,
    title,
    description: rows
      .map(
        (row, index) =>
          `${names[index]}: ${percent(row.movedPercent)} moved, ${percent(row.betweenOldPercent)} between old nodes`,
      )
      .concat(`ideal: ${percent(ideal)}`)
      .join('; '),
    option: {
      ...head.option,
      grid: { left: narrow ? 24 : 212, right, top, height: plot },
      xAxis: {
        type: 'value',
        min: 0,
        max: 100,
        interval: narrow ? 50 : 25,
        axisLabel: { ...axisLabel(size), formatter: '{value} %' },
        splitLine: GRID_LINE,
      },
      yAxis: {
        type: 'category',
        inverse: true,
        data: names,
        axisTick: { show: false },
        axisLine: { show: false },
        axisLabel: { show: !narrow, color: LIGHT.ink, fontSize, margin: 14 },
      },
      graphic: [
        {
          type: 'text',
          left: 24,
          top: top + plot + 42,
          style: { text: note.join('\n'), fill: LIGHT.muted, fontSize: narrow ? 12 : 13, lineHeight: 18 },
        },
      ],
      series: [
        {
          type: 'bar',
          stack: 'moved',
          barWidth: barHeight,
          data: rows.map((row) => row.movedPercent - row.betweenOldPercent),
          itemStyle: { color: LIGHT.good },
          markLine: {
            symbol: 'none',
            silent: true,
            data: [{ xAxis: ideal }],
            lineStyle: { color: LIGHT.ink, type: [4, 3], width: 1.5 },
            label: {
              formatter: `ideal ${percent(ideal)}`,
              position: 'start',
              color: LIGHT.ink,
              fontSize,
              distance: narrow ? 8 : 4,
            },
          },
        },
        {
          type: 'bar',
          stack: 'moved',
          data: rows.map((row) => row.betweenOldPercent),
          itemStyle: { color: LIGHT.waste },
          label: {
            show: true,
            color: LIGHT.card,
            fontSize,
            formatter: ({ dataIndex }) => wasteLabel(rows[dataIndex] as RemapRow),
          },
        },
        // The total stands right of both the bar and the line of the ideal, so that neither is drawn through it.
        labels(
          rows.map((row) => Math.max(row.movedPercent, ideal)),
          rows.map(totalLabel),
          { distance: 8, color: LIGHT.ink, fontSize },
        ),
        ...(narrow ? [namesAbove(names, -23)] : []),
      ],
    },
  }
}

function wasteLabel(row: RemapRow): string {
  if (row.betweenOldPercent < 60) return ''
  return `${percent(row.betweenOldPercent)} between old nodes, for nothing`
}

function totalLabel(row: RemapRow): string {
  const moved = percent(row.movedPercent)
  return row.betweenOldPercent === 0 ? `${moved}, all to the new node` : moved
}
