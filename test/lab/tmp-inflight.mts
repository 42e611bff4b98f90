import { runInFlight } from '/work/main/test/lab/proofs/in-flight-run.ts'
import { openBuilt } from '/work/main/test/lab/proofs/in-flight-cache.ts'
let cache: any
const all = { calls: 10000, keys: 10000, loader: 0, over: 0 }
const r = await runInFlight({ open: async (x) => { const c = await openBuilt(x); cache = c; return c }, progress: () => { const t = { w: 0, r: 0, e: 0, t: 0, refused: 0 }; for (const n of cache?.stats().nodes ?? []) for (const m of n.members) { t.w += m.writes; t.r += m.reads; t.e += m.errors; t.t += m.timeouts; t.refused += m.refused } console.log('SK', (globalThis as any).__skip, (globalThis as any).__sent, JSON.stringify(cache?.stats().nodes.map((n: any) => n.members[0].circuit)), JSON.stringify(t), JSON.stringify(cache?.stats().dropped)) }, storms: [1,2,3,4,5,6,7,8].map((n) => ({ ...all, name: 's' + n })), loads: 100, warmUp: 20000 })
for (const s of r.storms) console.log(s.storm.name, Object.fromEntries(Object.entries(s).filter(([k]) => k !== 'storm').map(([k, v]) => [k, Math.round(v as number)])))
