import type { Hash } from '../../src/base/hash.ts'
import { diff } from '../../src/placement/diff.ts'
import { ring, type Ring } from '../../src/placement/ring.ts'
import { arrow, picture, round, text } from './svg.ts'

const WIDTH = 880
const HEIGHT = 492
const RADIUS = 138
const BAND = 20
/** Few enough to be seen; the library has 1,024 unless told otherwise. */
const POINTS = 5
const NODES: readonly string[] = ['host-a', 'host-b', 'host-c', 'host-d']
const ADDED = 'host-d'
const KEY = 'user:56'
const LEFT = { x: 226, y: 246 }
const RIGHT = { x: 654, y: 246 }

/** The ring, as the library really builds it: three nodes with five points each, and what a fourth takes. */
export function drawRing(hash: Hash): string {
  const build = (ids: readonly string[]): Ring =>
    ring(
      ids.map((id) => ({ id })),
      { hash, points: POINTS },
    )
  const three = NODES.filter((id) => id !== ADDED)
  const before = build(three)
  const after = build(NODES)
  const { moved } = diff(before, after)
  const description =
    `A ring of three nodes with ${POINTS} points each. The key ${KEY} walks clockwise to the next point, ` +
    `which belongs to its owner, ${before.locate(KEY)}. A fourth node takes only the arcs before its own points.`
  return picture(WIDTH, HEIGHT, description, [
    text(LEFT.x, 40, 'title ink', 'A key belongs to the next point, clockwise'),
    text(RIGHT.x, 40, 'title ink', 'A new node takes only its own arcs'),
    ...bands(before, LEFT, () => true),
    ...marks(before, LEFT, () => true),
    text(LEFT.x, LEFT.y - 4, 'name ink', 'three nodes'),
    text(LEFT.x, LEFT.y + 16, 'small soft', `${POINTS} points each`),
    ...walk(before),
    ...bands(after, RIGHT, (id) => id === ADDED),
    ...marks(after, RIGHT, (id) => id === ADDED),
    text(RIGHT.x, RIGHT.y - 4, 'name ink', `${Math.round(moved * 100)} % of keys move`),
    text(RIGHT.x, RIGHT.y + 16, 'small soft', `to ${ADDED}, none elsewhere`),
    ...legend(LEFT.x, three),
    ...legend(RIGHT.x, NODES),
    text(
      WIDTH / 2,
      HEIGHT - 22,
      'small soft',
      `Real positions. With the default of 1,024 points per node, the shares are nearly even: a fourth node takes about a quarter.`,
    ),
  ])
}

interface Spot {
  readonly x: number
  readonly y: number
}

/** The band before each point, in its owner's colour. */
function bands(placed: Ring, center: Spot, strong: (id: string) => boolean): string[] {
  return [...placed.points].map((end, index) => {
    const start = placed.points[(index || placed.points.length) - 1] as number
    const id = ownerOf(placed, index)
    const classes = `arc ${colour(id)}${strong(id) ? '' : ' faded'}`
    return `<path class="${classes}" stroke-width="${BAND}" d="${arc(center, RADIUS, start, end)}"/>`
  })
}

function marks(placed: Ring, center: Spot, strong: (id: string) => boolean): string[] {
  return [...placed.points].map((point, index) => {
    const inner = at(center, RADIUS - BAND / 2 - 5, point)
    const outer = at(center, RADIUS + BAND / 2 + 5, point)
    const id = ownerOf(placed, index)
    const line = (classes: string, width: number): string =>
      `<path class="${classes}" stroke-width="${width}" d="M${inner.x} ${inner.y} L${outer.x} ${outer.y}"/>`
    return line('gap', 9) + line(`arc ${colour(id)}${strong(id) ? '' : ' faded'}`, 4.5)
  })
}

/** The key outside the ring, and its way to its owner's point. */
function walk(placed: Ring): string[] {
  const position = placed.position(KEY)
  const index = Math.max(
    0,
    placed.points.findIndex((point) => point >= position),
  )
  const end = placed.points[index] as number
  const out = RADIUS + 34
  const mark = at(LEFT, out, position)
  const label = at(LEFT, out + 14, position)
  const foot = at(LEFT, RADIUS + BAND / 2 + 7, end)
  const turn = at(LEFT, out, end - TURN)
  const corner = at(LEFT, out, end)
  const right = mark.x > LEFT.x
  return [
    arrow(`${arc(LEFT, out, position, end - TURN)} L${turn.x} ${turn.y} Q${corner.x} ${corner.y} ${foot.x} ${foot.y}`),
    `<circle class="ink" cx="${mark.x}" cy="${mark.y}" r="5.5"/>`,
    text(corner.x + (right ? 6 : -6), corner.y + 18, 'small soft', `to ${placed.locate(KEY)}`, right ? 'start' : 'end'),
    text(label.x + (right ? 2 : -2), label.y + 4, 'mono ink', KEY, right ? 'start' : 'end'),
  ]
}

/** How far before its end the walk begins to turn in, on the scale of the ring. */
const TURN = 2 ** 32 / 60

function legend(x: number, ids: readonly string[]): string[] {
  const step = 88
  const start = x - ((ids.length - 1) * step) / 2 - 28
  return ids.flatMap((id, index) => [
    `<circle class="fill ${colour(id)}" cx="${start + index * step}" cy="${HEIGHT - 58}" r="6"/>`,
    text(start + index * step + 13, HEIGHT - 53, 'ink', id, 'start'),
  ])
}

function ownerOf(placed: Ring, index: number): string {
  return placed.ids[placed.owners[index] as number] as string
}

/** The class that colours what belongs to a node: the last letter of its id. */
function colour(id: string): string {
  return id.slice(-1)
}

/** A position on a circle: zero at the top, clockwise. */
function at(center: Spot, radius: number, position: number): Spot {
  const angle = (position / 2 ** 32) * 2 * Math.PI
  return { x: round(center.x + radius * Math.sin(angle)), y: round(center.y - radius * Math.cos(angle)) }
}

function arc(center: Spot, radius: number, start: number, end: number): string {
  const from = at(center, radius, start)
  const to = at(center, radius, end)
  const large = (end - start + 2 ** 32) % 2 ** 32 > 2 ** 31 ? 1 : 0
  return `M${from.x} ${from.y} A${radius} ${radius} 0 ${large} 1 ${to.x} ${to.y}`
}
