import { escapeText } from './charts/svg.ts'
import { themed } from './charts/theme.ts'
import { balanceTable, remapTables, trafficTable } from './figures.ts'
import { percent, whole } from './format.ts'
import { STYLE } from './page-style.ts'
import { renderTable } from './page-table.ts'
import { renderJson, type Results } from './results.ts'

type Charts = Record<'remap' | 'balance' | 'traffic', string>

/** One page with everything: charts, tables, method and the figures themselves. It asks the network for nothing. */
export function renderPage(results: Results, wide: Charts, narrow: Charts): string {
  const figure = (name: keyof Charts): string =>
    `<figure>\n<div class="wide">${themed(wide[name])}</div>\n<div class="narrow">${themed(narrow[name])}</div>\n</figure>`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Where keys go when nodes change · sharded-cache</title>
<style>${STYLE}</style>
</head>
<body>
<header>
<p class="eyebrow">sharded-cache · <code>npm run bench:remap</code></p>
<h1>Where keys go when nodes change</h1>
<p class="lead">A cache that grows should keep what it holds. Hashing keys modulo the number of nodes throws nearly all of it away;
a consistent-hash ring gives up only what the new node takes over. Here is how much, measured.</p>
${keyFigures(results)}
</header>
<main>
<section>
<h2>How many keys move</h2>
<p>Each placement routes the same ${whole(results.plan.keys)} keys before and after one change. A key that moves is a miss. Keys that move
to or from the changed node have to; keys that move <em>between old nodes</em> are lost for nothing.</p>
${figure('remap')}
${remapTables(results).map(renderTable).join('\n')}
<p>Moving less than the ideal is not better: the node that joined then carries less than its share, and another one more. Read it
together with the peak, the busiest node’s keys over its fair share by weight, which is 1 at best.</p>
</section>
<section>
<h2>How even the load is</h2>
<p>One lucky set of names proves nothing, so each ring is built for ${results.plan.balanceSets} sets of ten node names. The median tells what to
expect, the worst what can happen.</p>
${figure('balance')}
${renderTable(balanceTable(results))}
</section>
<section>
<h2>What a change does to traffic</h2>
<p>Every key is cached, then the same ${whole(results.plan.traffic.requests)} requests go through <code>getOrLoad</code>, one after the other, and an eleventh
node joins on the way. Before that every request is a hit, so each database call after it is one that the change caused.</p>
${figure('traffic')}
${renderTable(trafficTable(results))}
</section>
${method(results)}
<section>
<h2>The figures themselves</h2>
<details><summary>All results as JSON</summary><pre>${escapeText(renderJson(results))}</pre></details>
</section>
</main>
<footer>Made by <code>bench/remap</code>; the same bytes on every run. CI measures again and fails when this page is stale.</footer>
</body>
</html>
`
}

function keyFigures(results: Results): string {
  const added = results.remap.filter((row) => row.change === 'add' && row.nodes === 10)
  const moved = (contender: string): string =>
    percent(added.find((row) => row.contender === contender)?.movedPercent ?? 0)
  const balance = (contender: string): string =>
    results.balance.find((row) => row.contender === contender)?.median.toFixed(2) ?? ''
  const calls = (placement: string): string =>
    whole(results.traffic.find((result) => result.placement === placement)?.callsAfterChange ?? 0)
  const tile = (label: string, value: string, note: string): string =>
    `<div><dt>${label}</dt><dd><b>${value}</b><span>${note}</span></dd></div>`
  return `<dl class="key">
${tile('Keys moved when one node joins ten', moved('ring-1024'), `modulo: ${moved('modulo')}`)}
${tile('Database calls that change causes', calls('ring'), `modulo: ${calls('modulo')}`)}
${tile('Busiest of ten nodes over the average', `${balance('ring-1024')} ×`, `with 150 points: ${balance('ring-150')} ×`)}
</dl>`
}

function method({ contenders, plan }: Results): string {
  const { traffic } = plan
  const how = contenders.map(
    ({ label, how: text }) => `<li><strong>${escapeText(label)}</strong>: ${escapeText(text)}.</li>`,
  )
  return `<section>
<h2>How it was measured</h2>
<ul>
${how.join('\n')}
<li>Keys are <code>user:0</code>, <code>user:1</code>, …; nodes are named <code>10.0.0.1:11211</code>, <code>10.0.0.2:11211</code>, … A node joins at the end
of the list; the one that leaves or doubles its weight stands in the middle of it.</li>
<li>Balance routes ${whole(plan.balanceKeys)} keys; the sets of names differ in the third number of the address.</li>
<li>Traffic draws ${whole(traffic.keys)} keys from a zipf distribution with exponent ${traffic.exponent}, by inversion, from a seeded generator. The hit rate is
counted in windows of ${whole(traffic.window)} requests; “back at” means that no later window was below.</li>
<li>The ring’s traffic runs through one <code>ShardedCache</code> on memory nodes, which the eleventh joins by <code>addNode</code>. The library has no
modulo placement, so modulo’s runs through caches of one memory node each, picked by hash modulo their number.</li>
</ul>
<h2>What it does not show</h2>
<ul>
<li>Time. No figure here depends on how fast a machine is; memory nodes stand in for servers, and nothing is evicted or expires.</li>
<li>Other names and other keys. The other packages hash differently, and how even they are depends on the names and keys; the balance of
${plan.balanceSets} sets shows how much for the names.</li>
</ul>
</section>`
}
