import { arrow, picture, text } from './svg.ts'

const WIDTH = 1000
const HEIGHT = 500
/** The lanes, by the y of their boxes' top: the question goes right in the first, the answer comes back in the others. */
const ASK = 84
const ANSWER = 236
const LOAD = 376
const BOX = { width: 142, height: 66 }
/** The left edges of the five rooms a question goes through. */
const COLUMNS = [28, 198, 368, 538, 708] as const
const SERVERS = 884

/** One `getOrLoad` from the call to the value; `get` is the same without the flight and the loader. */
export function drawRequestPath(): string {
  const [l1, flight, ringAt, shard, node] = COLUMNS
  const middle = (x: number): number => x + BOX.width / 2
  const low = (y: number): number => y + BOX.height
  const half = (y: number): number => y + BOX.height / 2
  const description =
    'The way of getOrLoad: L1, the flight of the key, the ring, the shard and its read policy, the adapter with its ' +
    'deadline, the server. What comes back is checked: a hit is returned and kept in L1; a miss, an error or a late ' +
    'answer goes to the loader, under a lease where the node has any, and its value is written to the owner and to L1.'
  return picture(WIDTH, HEIGHT, description, [
    text(28, 42, 'title ink', 'cache.getOrLoad(key, load)', 'start'),
    text(WIDTH - 28, 42, 'small soft', 'get(key) goes the same way, without the flight and the loader', 'end'),

    ...box(l1, ASK, 'c', 'L1', 'in this process'),
    ...box(flight, ASK, 'b', 'flight', 'one load per key'),
    ...box(ringAt, ASK, 'a', 'ring', 'key → owner'),
    ...box(shard, ASK, 'a', 'shard', 'primary or replica'),
    ...box(node, ASK, 'd', 'adapter', '250 ms at most'),
    ...COLUMNS.slice(0, -1).map((x) => arrow(`M${x + BOX.width + 3} ${half(ASK)} H${x + 170 - 5}`)),
    ...drum(SERVERS, ASK - 5, 'Redis'),
    ...drum(SERVERS, ASK + 27, 'Memcached'),
    ...drum(SERVERS, ASK + 59, 'memory'),
    arrow(`M${node + BOX.width + 3} ${half(ASK)} H${SERVERS - 5}`),

    ...box(node, ANSWER, 'd', 'envelope', 'right key? fresh?'),
    arrow(`M${middle(node)} ${low(ASK) + 3} V${ANSWER - 5}`),
    text(middle(node) + 12, ANSWER - 36, 'small soft', 'bytes', 'start'),

    ...box(l1, ANSWER, 'c', 'value', 'to every caller'),
    arrow(`M${middle(l1)} ${low(ASK) + 3} V${ANSWER - 5}`),
    text(middle(l1) + 12, ANSWER - 36, 'small soft', 'fresh in L1', 'start'),
    arrow(`M${node - 3} ${half(ANSWER)} H${l1 + BOX.width + 5}`),
    text((node + l1 + BOX.width) / 2, half(ANSWER) - 9, 'small soft', 'hit: L1 keeps it for l1.ttl at most'),

    ...box(node, LOAD, 'b', 'loader', '30 s at most'),
    arrow(`M${middle(node)} ${low(ANSWER) + 3} V${LOAD - 5}`),
    text(middle(node) - 12, LOAD - 30, 'small soft', 'miss, error or too late', 'end'),
    text(middle(node) + 12, LOAD - 30, 'small soft', 'one process, by its lease', 'start'),
    ...box(shard - 85, LOAD, 'b', 'fill', 'the owner, then L1'),
    arrow(`M${node - 3} ${half(LOAD)} H${shard - 85 + BOX.width + 5}`),
    arrow(`M${shard - 88} ${half(LOAD)} H${middle(l1)} V${low(ANSWER) + 5}`),
    text((middle(l1) + shard - 88) / 2, half(LOAD) + 20, 'small soft', 'deleted meanwhile: returned, not written'),

    ...legend(),
  ])
}

function box(x: number, y: number, colour: string, name: string, what: string): string[] {
  const { width, height } = BOX
  return [
    `<rect class="box" x="${x}" y="${y}" width="${width}" height="${height}" rx="7"/>`,
    `<path class="arc ${colour}" stroke-width="4" stroke-linecap="round" d="M${x + 10} ${y} H${x + width - 10}"/>`,
    text(x + width / 2, y + 30, 'name ink', name),
    text(x + width / 2, y + 50, 'tiny soft', what),
  ]
}

function drum(x: number, y: number, name: string): string[] {
  const width = 84
  const [bottom, right] = [y + 24, x + width]
  const side = `M${x} ${y + 4} V${bottom} A42 5 0 0 0 ${right} ${bottom} V${y + 4}`
  return [
    `<path class="box" d="${side} A42 5 0 0 0 ${x} ${y + 4} A42 5 0 0 0 ${right} ${y + 4}"/>`,
    text(x + width / 2, y + 22, 'tiny ink', name),
  ]
}

function legend(): string[] {
  const entries = [
    ['c', 'tier'],
    ['b', 'loading'],
    ['a', 'cluster, shard'],
    ['d', 'node, entry'],
  ] as const
  return entries.flatMap(([colour, name], index) => {
    const x = 34 + index * 118
    return [
      `<circle class="fill ${colour}" cx="${x}" cy="${HEIGHT - 22}" r="5"/>`,
      text(x + 11, HEIGHT - 18, 'tiny soft', name, 'start'),
    ]
  })
}
