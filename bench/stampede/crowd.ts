/** How many ask for one key at once, and from where. */
export interface Crowd {
  readonly processes: number
  /** Of each process. */
  readonly callers: number
}

/** `5 processes, 100 callers each` */
export function crowdTitle({ processes, callers }: Crowd): string {
  const many = callers.toLocaleString('en-US')
  return processes === 1 ? `One process, ${many} callers` : `${processes} processes, ${many} callers each`
}
