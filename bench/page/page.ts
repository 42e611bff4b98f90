import type { Machine } from '../kit/machine.ts'
import { balanceChart } from '../remap/charts/balance-chart.ts'
import type { Size } from '../remap/charts/frame.ts'
import { remapChart } from '../remap/charts/remap-chart.ts'
import { drawSvg, escapeText, type Chart } from '../remap/charts/svg.ts'
import { themed } from '../remap/charts/theme.ts'
import { trafficChart } from '../remap/charts/traffic-chart.ts'
import { STYLE } from '../remap/page-style.ts'
import { renderTable } from '../remap/page-table.ts'
import { highlights } from './highlights.ts'
import { l1Section } from './l1.ts'
import { loaderSection } from './loader.ts'
import { panelsChart } from './panels-chart.ts'
import type { AllResults } from './results.ts'
import { routingSection } from './routing.ts'
import type { Section } from './section.ts'
import { stampedeSection } from './stampede.ts'
import { throughputSection } from './throughput.ts'

/** One page with the charts and tables of all benchmarks. It asks the network for nothing. */
export function renderPage(results: AllResults): string {
  const sections = sectionsOf(results)
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Benchmarks · sharded-cache</title>
<style>${STYLE}${MORE_STYLE}</style>
</head>
<body>
<header>
<p class="eyebrow">sharded-cache · <code>npm run bench</code></p>
<h1>Benchmarks</h1>
<p class="lead">Everything that is measured, against those one might take instead. Each of them is used as its documentation says, in a
process of its own, in turn with the others; look at the ratios, for the times are those of one machine.</p>
<dl class="key">
${highlights(results)
  .map(
    ({ label, value, note }) => `<div><dt>${label}</dt><dd><b>${value}</b><span>${escapeText(note)}</span></dd></div>`,
  )
  .join('\n')}
</dl>
${contents(sections, results)}
</header>
<main>
${sections.map(renderSection).join('\n')}
${placement(results)}
${method(sections)}
</main>
<footer>Made by <code>npm run bench</code> from the figures beside this page; <code>npm run bench -- --page</code> draws it again.</footer>
</body>
</html>
`
}

const MORE_STYLE = `nav ul { list-style: none; padding: 0; margin: 2rem 0 0; display: flex; flex-wrap: wrap; gap: 0.4rem 1.4rem; }
a { color: var(--good); }
section > details { margin: 0 0 1rem; }
section > details .scroll { border: 0; margin: 0.5rem 0 0; }
@media (max-width: 44rem) { figure .narrow + .narrow { margin-top: 1rem; } }
`

function sectionsOf({ throughput, l1, stampede, loader, routing }: AllResults): Section[] {
  return [
    ...(throughput ? [throughputSection(throughput)] : []),
    ...(l1 ? [l1Section(l1)] : []),
    ...(stampede ? [stampedeSection(stampede)] : []),
    ...(loader ? [loaderSection(loader)] : []),
    ...(routing ? [routingSection(routing)] : []),
  ]
}

function contents(sections: readonly Section[], { remap }: AllResults): string {
  const link = (id: string, title: string): string => `<li><a href="#${id}">${title}</a></li>`
  return `<nav aria-label="Sections"><ul>
${sections.map(({ name, title }) => link(name, title)).join('\n')}
${remap ? `${link('placement', 'Where keys go when nodes change')}\n` : ''}${link('method', 'How it was measured')}
</ul></nav>`
}

function renderSection({ name, title, lead, charts, tables, leftOut }: Section): string {
  const drawn = charts.map((chart) => renderFigure((size) => panelsChart(chart, size)))
  const out = leftOut.map(({ name: who, why }) => `${escapeText(who)} (${escapeText(why)})`).join(', ')
  return `<section id="${name}">
<h2>${title}</h2>
<p>${lead}</p>
${drawn.join('\n')}
${out === '' ? '' : `<p>Left out: ${out}.</p>\n`}<details><summary>All figures of <code>bench:${name}</code></summary>
${tables.map(renderTable).join('\n')}
</details>
</section>`
}

function renderFigure(draw: (size: Size) => Chart): string {
  const one = (size: Size): string => `<div class="${size}">${themed(drawSvg(draw(size)))}</div>`
  return `<figure>\n${one('wide')}\n${one('narrow')}\n</figure>`
}

function placement({ remap }: AllResults): string {
  if (!remap) return ''
  const charts = [remapChart, balanceChart, trafficChart].map((draw) => renderFigure((size) => draw(remap, size)))
  return `<section id="placement">
<h2>Where keys go when nodes change</h2>
<p>No time and no chance is in these: they are the same on every machine. All figures are on <a href="remap.html">a page of their own</a>.</p>
${charts.join('\n')}
</section>`
}

function method(sections: readonly Section[]): string {
  const versions = new Map(sections.flatMap((section) => Object.entries(section.versions)))
  return `<section id="method">
<h2>How it was measured</h2>
<ul>
<li>Servers are real: redis-server and memcached on the same machine, started for the run.</li>
<li>Whatever is compared takes turns, several rounds, each beginning with another one. A ratio is taken within a round; what is shown is the
median of these, and in the tables their range.</li>
<li>Whoever needs a newer Node runs on one, and is named with it.</li>
${machines(sections)}
</ul>
${versions.size === 0 ? '' : `<details><summary>Versions</summary>\n<ul>${[...versions].map(([name, version]) => `<li>${escapeText(name)}: ${escapeText(version)}</li>`).join('\n')}</ul></details>`}
</section>`
}

function machines(sections: readonly Section[]): string {
  const names = new Map<string, string[]>()
  for (const { machine, name } of sections) {
    const text = nameOf(machine)
    names.set(text, [...(names.get(text) ?? []), name])
  }
  return [...names]
    .map(([text, of]) => `<li>${names.size === 1 ? 'The machine' : of.join(', ')}: ${escapeText(text)}.</li>`)
    .join('\n')
}

function nameOf({ cores, cpu, memoryGiB, platform, node }: Machine): string {
  return `${cores} cores of an ${cpu}, ${memoryGiB} GiB, ${platform}, Node ${node.replace('v', '')}`
}
