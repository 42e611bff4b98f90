/** `9.11` → `9.1 %`, with a space that does not break. */
export function percent(value: number, digits = 1): string {
  return `${value.toFixed(digits)}\u00a0%`
}

/** `31124` → `31,124`. */
export function whole(value: number): string {
  return value.toLocaleString('en-US')
}
