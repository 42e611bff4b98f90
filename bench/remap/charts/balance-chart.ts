import { percent } from '../format.ts'
import type { Results } from '../results.ts'
import { axisLabel, GRID_LINE, heading, labels, namesAbove, WIDTH, type Size } from './frame.ts'
import type { Chart } from './svg.ts'
import { LIGHT } from './theme.ts'

/** How far the busiest of ten nodes stands above the average, by points per node. */
export function balanceChart(results: Results, size: Size): Chart {
  const narrow = size === 'narrow'
  const { balance, plan } = results
  const excess = balance.map((row) => (row.median - 1) * 100)
  const ours = balance.findIndex((row) => row.contender === 'ring-1024')
  const names = balance.map((row) => row.label + (NOTES[row.contender] ?? ''))
  const title = `At 1,024 points the busiest of ten nodes holds ${percent(excess[ours] as number, 0)} above average`
  const head = heading(
    {
      title,
      subtitle: [`Keys of the busiest node above the average: the median of ${plan.balanceSets} sets of node names`],
    },
    size,
  )
  const fontSize = narrow ? 12 : 14
  const rowHeight = narrow ? 52 : 38
  const top = head.bottom + 26
  const plot = balance.length * rowHeight
  return {
    id: `balance-${size}`,
    width: WIDTH[size],
    height: top + plot + 46,
    title,
    description: balance
      .map((_, index) => `${names[index]}: ${percent(excess[index] as number)} above average`)
      .join('; '),
    option: {
      ...head.option,
      grid: { left: narrow ? 24 : 226, right: narrow ? 66 : 84, top, height: plot },
      xAxis: {
        type: 'value',
        min: 0,
        interval: narrow ? 50 : 25,
        axisLabel: { ...axisLabel(size), formatter: (value: number) => (value === 0 ? '0' : `+${value} %`) },
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
      series: [
        {
          type: 'bar',
          barWidth: narrow ? 20 : 24,
          data: excess.map((value, index) => ({
            value,
            itemStyle: { color: index === ours ? LIGHT.good : LIGHT.plain },
          })),
        },
        labels(
          excess,
          excess.map((value) => `+${percent(value)}`),
          { distance: 8, color: LIGHT.ink, fontSize },
        ),
        ...(narrow ? [namesAbove(names, -21)] : []),
      ],
    },
  }
}

const NOTES: Readonly<Record<string, string>> = {
  'ring-150': ' (classic)',
  'ring-1024': ' (default)',
  hashring: ' (160 points)',
  memcache: ' (50 points)',
}
