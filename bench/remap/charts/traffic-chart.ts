import type { LineSeriesOption, ScatterSeriesOption } from 'echarts'
import { percent, whole } from '../format.ts'
import type { Results } from '../results.ts'
import { hitRate, type TrafficResult } from '../traffic.ts'
import { AXIS_LINE, axisLabel, GRID_LINE, heading, WIDTH, type Size } from './frame.ts'
import type { Chart } from './svg.ts'
import { LIGHT } from './theme.ts'

/** Hit rate and database calls over time, while one node joins ten. */
export function trafficChart(results: Results, size: Size): Chart {
  const narrow = size === 'narrow'
  const plan = results.plan.traffic
  const [modulo, ring] = results.traffic as [TrafficResult, TrafficResult]
  const title = `A node joins: modulo’s hit rate falls to ${percent(modulo.hitRateLowest, 0)}, the ring’s to ${percent(ring.hitRateLowest, 0)}`
  const head = heading(
    {
      title,
      subtitle: [
        `${whole(plan.requests)} requests (zipf ${plan.exponent}) for ${whole(plan.keys)} cached keys, through the cache on ${plan.nodes} memory nodes`,
      ],
    },
    size,
  )
  const fontSize = narrow ? 12 : 14
  const plot = narrow ? 150 : 168
  const tops = [head.bottom + 60, head.bottom + 60 + plot + (narrow ? 62 : 66)]
  const side = { left: narrow ? 52 : 66, right: narrow ? 32 : 44, height: plot }
  const busiest = Math.max(...modulo.databaseCalls, ...ring.databaseCalls)
  const step = busiest > 500 ? 500 : 50
  const top = Math.ceil(busiest / step) * step

  const rates = (result: TrafficResult): number[] => result.databaseCalls.map((calls) => hitRate(calls, plan.window))
  const marks = { plan, narrow, fontSize }
  return {
    id: `traffic-${size}`,
    width: WIDTH[size],
    height: (tops[1] as number) + plot + 62,
    title,
    description: [modulo, ring].map(describe).join(' '),
    option: {
      ...head.option,
      grid: tops.map((at) => ({ ...side, top: at })),
      graphic: [
        panelTitle('Hit rate', (tops[0] as number) - 42, fontSize),
        {
          type: 'text',
          right: side.right,
          top: (tops[0] as number) - 20,
          style: {
            text: narrow ? 'ring' : `ring: never below ${percent(ring.hitRateLowest)}`,
            fill: LIGHT.good,
            fontSize,
            fontWeight: 'bold',
          },
        },
        panelTitle(`Database calls per ${whole(plan.window)} requests`, (tops[1] as number) - 30, fontSize),
      ],
      xAxis: tops.map((_, index) => timeAxis(index, plan.requests, size)),
      yAxis: [
        {
          type: 'value',
          gridIndex: 0,
          min: 0,
          max: 100,
          interval: narrow ? 50 : 25,
          axisLabel: { ...axisLabel(size), formatter: '{value} %' },
          ...AXIS_LINE,
          splitLine: GRID_LINE,
        },
        {
          type: 'value',
          gridIndex: 1,
          min: 0,
          max: top,
          interval: step,
          axisLabel: { ...axisLabel(size), formatter: (value: number) => whole(value) },
          ...AXIS_LINE,
          splitLine: GRID_LINE,
        },
      ],
      series: [
        line(0, rates(modulo), LIGHT.waste, marks),
        line(0, rates(ring), LIGHT.good, marks),
        line(1, modulo.databaseCalls, LIGHT.waste, marks),
        line(1, ring.databaseCalls, LIGHT.good, marks),
        ...directLabels(results, top, marks),
      ],
    },
  }
}

interface Marks {
  readonly plan: Results['plan']['traffic']
  readonly narrow: boolean
  readonly fontSize: number
}

/** A line of one value per window, drawn as level as it was measured. */
function line(panel: number, values: readonly number[], color: string, { plan, fontSize }: Marks): LineSeriesOption {
  const points = values.map((value, index) => [index * plan.window, value])
  points.push([plan.requests, values.at(-1) as number])
  return {
    type: 'line',
    step: 'end',
    xAxisIndex: panel,
    yAxisIndex: panel,
    symbol: 'none',
    data: points,
    lineStyle: { color, width: 2.25 },
    markLine:
      color === LIGHT.waste
        ? {
            symbol: 'none',
            silent: true,
            data: [{ xAxis: plan.changeAt }],
            lineStyle: { color: LIGHT.ink, type: [4, 3], width: 1.5 },
            label: {
              show: panel === 0,
              formatter: `node ${plan.nodes + 1} joins`,
              position: 'end',
              color: LIGHT.ink,
              fontSize,
              distance: 6,
            },
          }
        : {},
  }
}

/** What each line is, written where the lines leave room at the right. */
function directLabels(results: Results, top: number, { narrow, fontSize, plan }: Marks): ScatterSeriesOption[] {
  const [modulo, ring] = results.traffic as [TrafficResult, TrafficResult]
  const highest = (result: TrafficResult): number => {
    const { databaseCalls } = result
    return Math.max(...databaseCalls.slice(databaseCalls.length / 2))
  }
  const texts = [
    {
      panel: 0,
      y: 100 - highest(modulo) / (plan.window / 100) - 12,
      text: narrow ? 'modulo' : `modulo: ${percent(modulo.hitRateLast, 0)} at the end`,
      color: LIGHT.waste,
    },
    {
      panel: 1,
      y: highest(modulo) + top * 0.1,
      text: `modulo: ${whole(modulo.callsAfterChange)} calls${narrow ? '' : ' after the change'}`,
      color: LIGHT.waste,
    },
    {
      panel: 1,
      y: highest(ring) + top * 0.055,
      text: `ring: ${whole(ring.callsAfterChange)} calls`,
      color: LIGHT.good,
    },
  ]
  return texts.map(({ panel, y, text, color }) => ({
    type: 'scatter',
    xAxisIndex: panel,
    yAxisIndex: panel,
    symbolSize: 0,
    silent: true,
    itemStyle: { color: 'transparent', opacity: 1 },
    data: [[plan.requests, y]],
    label: { show: true, position: 'left', distance: 0, formatter: text, color, fontSize, fontWeight: 'bold' },
  }))
}

function panelTitle(text: string, top: number, fontSize: number): object {
  return { type: 'text', left: 24, top, style: { text, fill: LIGHT.ink, fontSize, fontWeight: 'bold' } }
}

function timeAxis(index: number, requests: number, size: Size): object {
  return {
    type: 'value',
    gridIndex: index,
    min: 0,
    max: requests,
    interval: requests / (size === 'narrow' ? 2 : 5),
    name: index === 1 ? 'requests' : '',
    nameLocation: 'middle',
    nameGap: 30,
    nameTextStyle: axisLabel(size),
    axisLabel: { ...axisLabel(size), formatter: (value: number) => whole(value) },
    ...AXIS_LINE,
    splitLine: { show: false },
  }
}

function describe(result: TrafficResult): string {
  const { placement, hitRateBefore, hitRateLowest, hitRateLast, callsAfterChange } = result
  return `${placement}: hit rate ${percent(hitRateBefore)} before the change, ${percent(hitRateLowest)} at the lowest, ${percent(hitRateLast)} at the end; ${whole(callsAfterChange)} database calls after the change.`
}
