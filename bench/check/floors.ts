/** What is promised of one comparison: how many times as fast as a contender this library is, at least or at most. */
export interface Floor {
  readonly least?: number
  readonly most?: number
}

/** By row, then by contender. */
export type Floors = Readonly<Record<string, Readonly<Record<string, Floor>>>>

/** How many times as fast as a contender this library was. */
export interface Comparison {
  readonly row: string
  readonly contender: string
  readonly ratio: number
}

/** What came of one floor. */
export interface Verdict {
  readonly row: string
  readonly contender: string
  readonly floor: Floor
  /** `undefined` when nothing was measured that the floor could be held against. */
  readonly ratio: number | undefined
  readonly ok: boolean
}

/** Reads the text of a file of floors, and refuses what could never fail. */
export function parseFloors(text: string): Floors {
  const floors = JSON.parse(text) as Floors
  const all = Object.entries(floors).flatMap(([row, of]) =>
    Object.entries(of).map(([contender, floor]) => ({ name: `${row}, ${contender}`, floor })),
  )
  if (all.length === 0) throw new Error('there is no floor')
  for (const { name, floor } of all) {
    const bounds = Object.entries(floor)
    const sound = bounds.every(([key, bound]) => ['least', 'most'].includes(key) && Number.isFinite(bound) && bound > 0)
    if (bounds.length === 0 || !sound) throw new Error(`the floor of ${name} needs least or most, above 0`)
  }
  return floors
}

/**
 * Holds what was measured against the floors; a floor that nothing was measured for fails.
 *
 * @param slack by which factor a bound may be missed; 1 for not at all
 */
export function judge(floors: Floors, measured: readonly Comparison[], slack = 1): Verdict[] {
  return Object.entries(floors).flatMap(([row, of]) =>
    Object.entries(of).map(([contender, floor]) => {
      const ratio = measured.find((one) => one.row === row && one.contender === contender)?.ratio
      return { row, contender, floor, ratio, ok: ratio !== undefined && holds(floor, ratio, slack) }
    }),
  )
}

// Written so that what is no number fails.
function holds({ least = 0, most = Infinity }: Floor, ratio: number, slack: number): boolean {
  return ratio >= least / slack && ratio <= most * slack && Number.isFinite(ratio)
}

/** The same rows and contenders with floors that stand a share below what was measured. */
export function lowered(floors: Floors, measured: readonly Comparison[], share: number): Floors {
  return Object.fromEntries(
    Object.entries(floors).map(([row, of]) => [
      row,
      Object.fromEntries(
        Object.keys(of).map((contender) => {
          const ratio = measured.find((one) => one.row === row && one.contender === contender)?.ratio
          if (ratio === undefined) throw new Error(`nothing was measured for ${row}, ${contender}`)
          return [contender, { least: Number((ratio * (1 - share)).toPrecision(2)) }]
        }),
      ),
    ]),
  )
}
