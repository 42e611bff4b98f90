/** The colours of all charts by role, as they are on a white card. Each is used as it stands, so that a page can map them. */
export const LIGHT = {
  card: '#ffffff',
  border: '#d5dbe3',
  ink: '#17202b',
  muted: '#566273',
  grid: '#e4e9ef',
  good: '#1f5fc4',
  waste: '#c4460e',
  plain: '#8794a6',
} as const

/** The same roles on a dark page. */
export const DARK: Record<keyof typeof LIGHT, string> = {
  card: '#151b23',
  border: '#2d3743',
  ink: '#e8edf3',
  muted: '#a3afbd',
  grid: '#29323d',
  good: '#74abff',
  waste: '#ff9060',
  plain: '#7f8da0',
}

/** Replaces a chart's colours by CSS variables, for a page that declares them: `--good`, `--waste`, … */
export function themed(svg: string): string {
  return Object.entries(LIGHT).reduce((text, [role, colour]) => text.replaceAll(`"${colour}"`, `"var(--${role})"`), svg)
}
