import { picture, round, text } from '../../../docs/pictures/svg.ts'
import { flat, type SoakReport } from './run.ts'
import { GROWTH_BOUND, type Sample } from './verdict.ts'

const WIDTH = 820
const LEFT = 84
const RIGHT = 796
/** Top and bottom of each panel. */
const HEAP: readonly [number, number] = [92, 250]
const HANDLES: readonly [number, number] = [294, 382]
const FAULTS = 416
const MIB = 1024 * 1024

/** A soak as a picture: the heap, the handles and the faults over time. */
export function drawSoak(report: SoakReport): string {
  const { samples, ms, calls, faults, growth, handles } = report
  const minutes = `${round(ms / 60_000)} minutes`
  const title = flat(report) ? `${minutes} of faults: the heap stays flat, no socket is left` : `${minutes} of faults`
  const counts = `${whole(calls)} calls, ${whole(faults.length)} faults; heap after garbage collection`
  const grown = `Over the second half the heap grew by ${(growth / MIB).toFixed(2)} MiB (at most ${GROWTH_BOUND / MIB} MiB is held to be flat).`
  const back = `Sockets and the like: ${handles.before} before the traffic, ${handles.after} when all nodes were back.`
  const x = (at: number): number => LEFT + ((RIGHT - LEFT) * at) / ms
  return picture(WIDTH, 510, `${title}. ${counts}. ${grown} ${back}`, [
    text(24, 36, 'ink title', title, 'start'),
    text(24, 58, 'soft', counts, 'start'),
    ...panel('heap, MiB', samples, x, HEAP, 'a', ({ heap }) => heap / MIB),
    ...panel('handles', samples, x, HANDLES, 'c', (sample) => sample.handles),
    text(LEFT - 10, FAULTS + 4, 'soft small', 'faults', 'end'),
    ...faults.map((at) => `<path class="b arc" stroke-width="1" d="M${round(x(at))} ${FAULTS - 7}v14"/>`),
    ...ticks(ms).map((at) => text(x(at), FAULTS + 28, 'soft small', label(at))),
    text(24, 472, 'soft small', grown, 'start'),
    text(24, 490, 'soft small', back, 'start'),
  ])
}

function panel(
  name: string,
  samples: readonly Sample[],
  x: (at: number) => number,
  [top, bottom]: readonly [number, number],
  colour: string,
  value: (sample: Sample) => number,
): string[] {
  const most = nice(Math.max(1, ...samples.map(value)))
  const y = (of: number): number => bottom - ((bottom - top) * of) / most
  const points = samples.map((sample) => `${round(x(sample.at))} ${round(y(value(sample)))}`)
  const lines = [0, most / 2, most].flatMap((at) => [
    `<path class="line faded" d="M${LEFT} ${round(y(at))}H${RIGHT}"/>`,
    text(LEFT - 10, y(at) + 4, 'soft small', `${round(at)}`, 'end'),
  ])
  return [
    text(LEFT, top - 10, 'ink small', name, 'start'),
    ...lines,
    `<path class="${colour} arc" stroke-width="2" stroke-linejoin="round" d="M${points.join('L')}"/>`,
  ]
}

/** The next number up that makes a good end of an axis. */
function nice(number: number): number {
  const step = 10 ** Math.floor(Math.log10(number))
  return [1, 2, 4, 5, 10].map((times) => times * step).find((end) => end >= number) ?? 10 * step
}

/** Where the axis of time is written on: at most seven places. */
function ticks(ms: number): number[] {
  const step = [1, 2, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600].map((s) => s * 1_000).find((s) => ms / s <= 6) ?? ms
  return Array.from({ length: Math.floor(ms / step) + 1 }, (_, i) => i * step)
}

function label(ms: number): string {
  return ms === 0 ? '0' : ms % 60_000 === 0 ? `${ms / 60_000} min` : `${ms / 1_000} s`
}

function whole(number: number): string {
  return number.toLocaleString('en-US')
}
