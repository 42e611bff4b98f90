import { arrow, picture, text } from './svg.ts'

const WIDTH = 900
const HEIGHT = 330
const TOP = 118
const BOX = { width: 190, height: 84 }
const CLOSED = 60
const OPEN = 355
const HALF = 650

/** The circuit of one server: its three states, and what takes it from one to another. */
export function drawCircuit(): string {
  const right = (x: number): number => x + BOX.width
  const middle = (x: number): number => x + BOX.width / 2
  const [high, low] = [TOP + 26, TOP + 58]
  const bottom = TOP + BOX.height
  const description =
    'A circuit begins closed. One broken connection, or three commands in a row that miss their deadline, open it. After ' +
    'one second a probe makes it half-open. A probe that fails opens it again, with a pause half as long again, up to 30 ' +
    'seconds. Two probes that are answered close it.'
  return picture(WIDTH, HEIGHT, description, [
    text(28, 42, 'title ink', 'The circuit of one server', 'start'),
    text(WIDTH - 28, 42, 'small soft', 'every change is a “circuit” event', 'end'),

    ...state(CLOSED, 'c', 'closed', 'it is asked'),
    ...state(OPEN, 'd', 'open', 'nobody waits for it'),
    ...state(HALF, 'b', 'half-open', 'one probe at a time'),

    arrow(`M${right(CLOSED) + 4} ${TOP + 42} H${OPEN - 6}`),
    text((right(CLOSED) + OPEN) / 2, TOP - 16, 'small soft', 'refused, reset, not let in;'),
    text((right(CLOSED) + OPEN) / 2, TOP + 2, 'small soft', 'or 3 deadlines'),
    text((right(CLOSED) + OPEN) / 2, TOP + 20, 'small soft', 'missed in a row'),

    arrow(`M${right(OPEN) + 4} ${high} H${HALF - 6}`),
    text((right(OPEN) + HALF) / 2, high - 12, 'small soft', '1 s … 30 s later'),
    arrow(`M${HALF - 4} ${low} H${right(OPEN) + 6}`),
    text((right(OPEN) + HALF) / 2, low + 22, 'small soft', 'probe failed'),

    arrow(`M${middle(HALF)} ${bottom + 4} V${bottom + 56} H${middle(CLOSED)} V${bottom + 6}`),
    text(middle(OPEN), bottom + 46, 'small soft', 'two probes in a row were answered: missed deletes are replayed'),
    text(
      28,
      HEIGHT - 22,
      'tiny soft',
      'What is asked while it is open goes to a replica, else it is a miss, at once.',
      'start',
    ),
  ])
}

function state(x: number, colour: string, name: string, what: string): string[] {
  const { width, height } = BOX
  return [
    `<rect class="box" x="${x}" y="${TOP}" width="${width}" height="${height}" rx="7"/>`,
    `<path class="arc ${colour}" stroke-width="4" stroke-linecap="round" d="M${x + 10} ${TOP} H${x + width - 10}"/>`,
    text(x + width / 2, TOP + 38, 'name ink', name),
    text(x + width / 2, TOP + 60, 'tiny soft', what),
  ]
}
