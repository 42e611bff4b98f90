/** The style of all pictures: a card of its own, so that it is legible on any page, light or dark. */
const STYLE = `
  .card { fill: #ffffff; stroke: #d0d7de }
  .ink { fill: #1f2328 }
  .soft { fill: #59636e }
  .box { fill: #f6f8fa; stroke: #c4ccd4; stroke-width: 1.25 }
  .line { fill: none; stroke: #59636e; stroke-width: 1.5 }
  .tip { fill: #59636e }
  .gap { stroke: #ffffff }
  .faded { opacity: 0.22 }
  .a { --c: #2f6fdb } .b { --c: #d9820f } .c { --c: #1a8a5a } .d { --c: #c2347e }
  .fill { fill: var(--c) } .arc { fill: none; stroke: var(--c) }
  text { font-family: Helvetica, Arial, sans-serif; font-size: 14px }
  .title { font-size: 17px; font-weight: 600 }
  .name { font-size: 15px; font-weight: 600 }
  .small { font-size: 12.5px }
  .tiny { font-size: 12px }
  .mono { font-family: ui-monospace, 'SF Mono', Menlo, Consolas, monospace; font-size: 13px }
  @media (prefers-color-scheme: dark) {
    .card { fill: #0d1117; stroke: #3d444d }
    .ink { fill: #e6edf3 }
    .soft { fill: #9aa4af }
    .box { fill: #161c24; stroke: #3d4652 }
    .line { stroke: #9aa4af }
    .tip { fill: #9aa4af }
    .gap { stroke: #0d1117 }
    .faded { opacity: 0.3 }
    .a { --c: #6ba1ff } .b { --c: #f0a63c } .c { --c: #45c08a } .d { --c: #f277b4 }
  }
`

/** A whole picture: a card of this size with what is drawn on it, and a sentence for those who cannot see it. */
export function picture(width: number, height: number, description: string, parts: readonly string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">
<title>${escape(description)}</title>
<style>${STYLE}</style>
<defs><marker id="tip" viewBox="0 0 10 10" refX="8.5" refY="5" markerWidth="8" markerHeight="8" orient="auto"><path class="tip" d="M0 0.8 L10 5 L0 9.2 z"/></marker></defs>
<rect class="card" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="10"/>
${parts.join('\n')}
</svg>
`
}

/** A line of text; `anchor` says which end of it is at `x`. */
export function text(
  x: number,
  y: number,
  classes: string,
  words: string,
  anchor: 'start' | 'middle' | 'end' = 'middle',
): string {
  return `<text x="${round(x)}" y="${round(y)}" class="${classes}" text-anchor="${anchor}">${escape(words)}</text>`
}

/** A line along a path, with a tip at its end. */
export function arrow(path: string): string {
  return `<path class="line" d="${path}" marker-end="url(#tip)"/>`
}

/** Two decimals: what every machine computes alike. */
export function round(value: number): number {
  return Math.round(value * 100) / 100
}

function escape(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
