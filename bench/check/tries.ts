import { judge, type Comparison, type Floors, type Verdict } from './floors.ts'

/**
 * Measures what does not hold again: only what fails every time has failed. A floor that nothing was measured for fails at
 * once.
 *
 * @param measure is told what is left to be measured, and which attempt this is, from 1
 */
export async function judgeSeveralTimes(
  floors: Floors,
  measure: (left: Floors, attempt: number) => Promise<readonly Comparison[]>,
  { tries, slack }: { readonly tries: number; readonly slack: number },
): Promise<Verdict[]> {
  const done: Verdict[] = []
  let left = floors
  for (let attempt = 1; ; attempt++) {
    const verdicts = judge(left, await measure(left, attempt), slack)
    const again = attempt === tries ? [] : verdicts.filter(({ ok, ratio }) => !ok && ratio !== undefined)
    done.push(...verdicts.filter((verdict) => !again.includes(verdict)))
    if (again.length === 0) return done
    left = floorsOf(again)
  }
}

function floorsOf(verdicts: readonly Verdict[]): Floors {
  const rows = [...new Set(verdicts.map(({ row }) => row))]
  return Object.fromEntries(
    rows.map((row) => [
      row,
      Object.fromEntries(verdicts.filter((one) => one.row === row).map(({ contender, floor }) => [contender, floor])),
    ]),
  )
}
