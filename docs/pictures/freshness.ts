import { picture, round, text } from './svg.ts'

const WIDTH = 900
const HEIGHT = 262
/** Where time begins and ends, in the picture. Times of scenes run from 0 to 100. */
const LEFT = 132
const RIGHT = WIDTH - 28
const ENTRY = { y: 96, height: 30 }
const CALLERS = 160
const LOADER = { y: 192, height: 18 }

/** The colours: fresh, stale, kept for errors, the loader. */
type Colour = 'c' | 'b' | 'd' | 'a'

/** A stretch of time with a name on it. */
interface Stretch {
  readonly from: number
  readonly to: number
  readonly name: string
  readonly colour: Colour
}

/** Somebody asks; `gets` is the colour of the value, and `until` when it comes, if not at once. */
interface Caller {
  readonly at: number
  readonly gets: Colour
  readonly until?: number
  /** Those who wait at the same time stand below each other. */
  readonly row?: number
}

/** One mode on its time-line. */
interface Scene {
  readonly title: string
  readonly option: string
  readonly description: string
  readonly spans: readonly { readonly from: number; readonly to: number; readonly name: string }[]
  readonly entry: readonly Stretch[]
  readonly callers: readonly Caller[]
  readonly loads: readonly (Stretch & { readonly failed?: boolean })[]
  /** The soft time-out of a load, if there is one. */
  readonly soft?: { readonly from: number; readonly to: number }
  /** Where the chance of an early load grows. */
  readonly chance?: { readonly from: number; readonly to: number }
  readonly caption: string
}

const once = (...times: number[]): Caller[] => times.map((at) => ({ at, gets: 'c' }))

const FRESH: Scene = {
  title: 'Fresh, then gone',
  option: "{ ttl: '5m' }",
  description:
    'An entry is served until its ttl ends. The next caller after that has it loaded and waits; who asks meanwhile waits ' +
    'for the same load.',
  spans: [
    { from: 0, to: 50, name: 'ttl' },
    { from: 74, to: 100, name: 'ttl' },
  ],
  entry: [
    { from: 0, to: 50, name: 'fresh', colour: 'c' },
    { from: 74, to: 100, name: 'fresh', colour: 'c' },
  ],
  callers: [
    ...once(9, 22, 40),
    { at: 60, gets: 'c', until: 74 },
    { at: 67, gets: 'c', until: 74, row: 1 },
    ...once(82, 93),
  ],
  loads: [{ from: 60, to: 74, name: 'load', colour: 'a' }],
  caption: 'Every dot is a caller. A line behind it is the time it waits.',
}

const REVALIDATE: Scene = {
  title: 'Stale while revalidate',
  option: "{ ttl: '5m', staleWhileRevalidate: '1m' }",
  description:
    'For a while after its ttl an entry is still served at once. The first caller in that time has it loaded anew in the ' +
    'background; nobody waits.',
  spans: [
    { from: 0, to: 44, name: 'ttl' },
    { from: 44, to: 82, name: 'staleWhileRevalidate' },
  ],
  entry: [
    { from: 0, to: 44, name: 'fresh', colour: 'c' },
    { from: 44, to: 68, name: 'stale', colour: 'b' },
    { from: 68, to: 100, name: 'fresh', colour: 'c' },
  ],
  callers: [...once(9, 22, 38), { at: 54, gets: 'b' }, { at: 61, gets: 'b' }, ...once(76, 93)],
  loads: [{ from: 54, to: 68, name: 'in the background', colour: 'a' }],
  caption: 'The first caller after the ttl gets the old value at once, and a load begins behind it.',
}

const ERROR: Scene = {
  title: 'Stale if error',
  option: "{ ttl: '5m', staleIfError: '1h', softTimeout: '200ms' }",
  description:
    'For a while after its ttl an entry is kept for errors. Callers wait for the load; they get the old value when it fails, ' +
    'or when it has taken as long as the soft time-out. Then the load goes on, and is cached when it is done.',
  spans: [
    { from: 0, to: 32, name: 'ttl' },
    { from: 32, to: 96, name: 'staleIfError' },
  ],
  entry: [
    { from: 0, to: 32, name: 'fresh', colour: 'c' },
    { from: 32, to: 84, name: 'kept for errors', colour: 'd' },
    { from: 84, to: 100, name: 'fresh', colour: 'c' },
  ],
  callers: [...once(9, 22), { at: 39, gets: 'd', until: 49 }, { at: 60, gets: 'd', until: 70 }, ...once(93)],
  loads: [
    { from: 39, to: 49, name: 'fails', colour: 'a', failed: true },
    { from: 60, to: 84, name: 'takes long, goes on', colour: 'a' },
  ],
  soft: { from: 60, to: 70 },
  caption: 'The old value is served only when the load has failed, or has taken as long as softTimeout.',
}

const EARLY: Scene = {
  title: 'Early refresh',
  option: "{ ttl: '5m', earlyRefresh: 1 }",
  description:
    'Before the ttl ends, each caller may by chance have the entry loaded anew in the background, the more likely the ' +
    'nearer the end. A busy key is therefore replaced before it ends, and nobody waits.',
  spans: [{ from: 0, to: 72, name: 'ttl' }],
  entry: [
    { from: 0, to: 66, name: 'fresh', colour: 'c' },
    { from: 66, to: 100, name: 'fresh', colour: 'c' },
  ],
  callers: once(6, 14, 23, 31, 40, 48, 54, 60, 72, 81, 93),
  loads: [{ from: 54, to: 66, name: 'background', colour: 'a' }],
  chance: { from: 30, to: 72 },
  caption: 'The curve is the chance that a caller has it loaded. It grows with the time that the last load took.',
}

/** What entries are good for over time, one picture per mode, by file name. */
export function drawFreshness(): [string, string][] {
  return [
    ['freshness-ttl.svg', draw(FRESH)],
    ['freshness-stale-while-revalidate.svg', draw(REVALIDATE)],
    ['freshness-stale-if-error.svg', draw(ERROR)],
    ['freshness-early-refresh.svg', draw(EARLY)],
  ]
}

function draw({ title, option, description, spans, entry, callers, loads, soft, chance, caption }: Scene): string {
  return picture(WIDTH, HEIGHT, description, [
    text(28, 40, 'title ink', title, 'start'),
    text(RIGHT, 40, 'mono soft', option, 'end'),
    text(28, ENTRY.y + 20, 'small soft', 'the entry', 'start'),
    text(28, CALLERS + 4, 'small soft', 'callers', 'start'),
    text(28, LOADER.y + 14, 'small soft', 'the loader', 'start'),
    ...spans.flatMap(span),
    `<path class="line faded" d="M${LEFT} ${ENTRY.y + ENTRY.height / 2} H${RIGHT}"/>`,
    ...entry.flatMap((stretch) => bar(stretch, ENTRY.y, ENTRY.height)),
    ...(chance ? [curve(chance)] : []),
    `<path class="line faded" d="M${LEFT} ${CALLERS} H${RIGHT}"/>`,
    ...callers.flatMap(caller),
    `<path class="line faded" d="M${LEFT} ${LOADER.y + LOADER.height / 2} H${RIGHT}"/>`,
    ...loads.flatMap((load) => [...bar(load, LOADER.y, LOADER.height), ...(load.failed ? [cross(load.to)] : [])]),
    ...(soft ? [softTimeout(soft)] : []),
    text(28, HEIGHT - 18, 'tiny soft', caption, 'start'),
  ])
}

function at(time: number): number {
  return round(LEFT + ((RIGHT - LEFT) * time) / 100)
}

/** How long an option lasts: a bracket above the entry. */
function span({ from, to, name }: { from: number; to: number; name: string }): string[] {
  const y = ENTRY.y - 12
  return [
    `<path class="line" d="M${at(from) + 1} ${y + 6} V${y} H${at(to) - 1} V${y + 6}"/>`,
    text((at(from) + at(to)) / 2, y - 7, 'tiny soft', name),
  ]
}

function bar({ from, to, name, colour }: Stretch, y: number, height: number): string[] {
  const [x, width] = [at(from), round(at(to) - at(from))]
  const shape = `x="${x}" y="${y}" width="${width}" height="${height}" rx="4"`
  return [
    // The line of the lane must not show through.
    `<rect class="card" style="stroke: none" ${shape}/>`,
    `<rect class="fill ${colour} faded" ${shape}/>`,
    `<rect class="arc ${colour}" stroke-width="1.5" ${shape}/>`,
    text(x + width / 2, y + height / 2 + 4.5, 'tiny ink', name),
  ]
}

function caller({ at: time, gets, until, row = 0 }: Caller): string[] {
  const y = CALLERS + row * 8
  const dot = `<circle class="fill ${gets}" cx="${at(time)}" cy="${y}" r="5"/>`
  if (until === undefined) return [dot]
  const [from, to] = [at(time), at(until)]
  return [`<path class="arc ${gets}" stroke-width="2.5" d="M${from} ${y} H${to} M${to} ${y - 5} V${y + 5}"/>`, dot]
}

function cross(time: number): string {
  const [x, y] = [at(time), LOADER.y + LOADER.height / 2]
  return `<path class="arc d" stroke-width="3" d="M${x - 6} ${y - 6} L${x + 6} ${y + 6} M${x - 6} ${y + 6} L${x + 6} ${y - 6}"/>`
}

function softTimeout({ from, to }: { from: number; to: number }): string {
  const y = LOADER.y + LOADER.height + 8
  return [
    `<path class="line" d="M${at(from) + 1} ${y - 5} V${y} H${at(to) - 1} V${y - 5}"/>`,
    text((at(from) + at(to)) / 2, y + 14, 'tiny soft', 'softTimeout'),
  ].join('\n')
}

/** The chance of an early load, as XFetch has it: exp(-(time left) / (β × load time)). */
function curve({ from, to }: { from: number; to: number }): string {
  const bottom = ENTRY.y + ENTRY.height - 2
  const points = Array.from({ length: 29 }, (_, i) => {
    const time = from + ((to - from) * i) / 28
    const high = Math.exp((time - to) / 9)
    return `${at(time)} ${round(bottom - (ENTRY.height - 4) * high)}`
  })
  return `<path class="arc a" stroke-width="2" d="M${points.join(' L')}"/>`
}
