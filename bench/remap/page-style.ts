import { DARK, LIGHT } from './charts/theme.ts'

const variables = (colours: Record<string, string>): string =>
  Object.entries(colours)
    .map(([role, colour]) => `--${role}: ${colour};`)
    .join(' ')

/** The page's style sheet. The charts take their colours from the same variables. */
export const STYLE: string = `
:root { color-scheme: light dark; --page: #f5f7fa; --stripe: #eef3fb; ${variables(LIGHT)} }
@media (prefers-color-scheme: dark) { :root { --page: #0d1218; --stripe: #1a2536; ${variables(DARK)} } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 1.0625rem/1.6 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
main, header, footer { max-width: 54rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: clamp(2rem, 6vw, 4.5rem); }
h1 { font-size: clamp(1.9rem, 5.5vw, 2.9rem); line-height: 1.12; letter-spacing: -0.02em; margin: 0 0 1rem; text-wrap: balance; }
h2 { font-size: 1.5rem; line-height: 1.25; letter-spacing: -0.01em; margin: 0 0 0.5rem; text-wrap: balance; }
ul + h2 { margin-top: 2.25rem; }
section { margin-top: clamp(2.5rem, 6vw, 4rem); }
p, li { max-width: 42rem; }
p { margin: 0 0 1rem; }
.eyebrow { color: var(--muted); font-size: 0.9rem; margin: 0 0 0.75rem; }
.lead { font-size: 1.2rem; line-height: 1.55; color: var(--muted); }
code { font: 0.92em ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; overflow-wrap: anywhere; }
.key { display: grid; grid-template-columns: repeat(auto-fit, minmax(14rem, 1fr)); gap: 1rem; margin: 2rem 0 0; padding: 0; }
.key div { background: var(--card); border: 1px solid var(--border); border-radius: 10px; padding: 1.1rem 1.25rem; }
.key dt { color: var(--muted); font-size: 0.92rem; line-height: 1.4; }
.key dd { margin: 0.4rem 0 0; }
.key b { display: block; font-size: 2rem; line-height: 1.15; letter-spacing: -0.02em; color: var(--good); font-variant-numeric: tabular-nums; }
.key span { color: var(--muted); font-size: 0.92rem; }
figure { margin: 1.25rem 0 1.5rem; }
figure svg { display: block; width: 100%; height: auto; }
figure .narrow { display: none; }
.scroll { overflow-x: auto; background: var(--card); border: 1px solid var(--border); border-radius: 10px; margin: 1rem 0 1.5rem; }
.scroll:focus-visible, summary:focus-visible { outline: 2px solid var(--good); outline-offset: 2px; }
table { border-collapse: collapse; width: 100%; font-size: 0.95rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 650; padding: 0.9rem 1rem 0.4rem; }
th, td { padding: 0.42rem 1rem; text-align: right; vertical-align: bottom; }
td, tbody th { white-space: nowrap; }
thead th { color: var(--muted); font-weight: 500; font-size: 0.88rem; line-height: 1.3; }
th:first-child { text-align: left; }
tbody th { font-weight: 400; }
tbody .group th { color: var(--muted); font-size: 0.88rem; padding-top: 0.9rem; border-top: 1px solid var(--grid); }
tbody .ours { background: var(--stripe); }
tbody .ours th, tbody .ours td { font-weight: 650; }
details { background: var(--card); border: 1px solid var(--border); border-radius: 10px; padding: 0.8rem 1rem; }
summary { cursor: pointer; font-weight: 600; }
pre { overflow: auto; max-height: 32rem; margin: 1rem 0 0; font-size: 0.8rem; line-height: 1.5; white-space: pre-wrap; }
footer { color: var(--muted); font-size: 0.92rem; padding-top: 2.5rem; padding-bottom: 4rem; }
@media (max-width: 44rem) {
  figure .wide { display: none; }
  figure .narrow { display: block; max-width: 30rem; margin: 0 auto; }
  .lead { font-size: 1.1rem; }
  ul { padding-left: 1.25rem; }
  table { font-size: 0.84rem; line-height: 1.35; }
  caption { padding-left: 0.8rem; }
  th, td { padding-left: 0.45rem; padding-right: 0.45rem; }
  th:first-child { padding-left: 0.8rem; }
  tr > :last-child { padding-right: 0.8rem; }
  tbody th { white-space: normal; min-width: 5.6rem; }
  thead th:not(:first-child) { max-width: 5.4rem; font-size: 0.8rem; }
}
`
