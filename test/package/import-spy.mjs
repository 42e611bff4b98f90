/**
 * `node import-spy.mjs <import|require> <module>`: loads a module and prints as JSON what was done meanwhile that loading a
 * module need not do, and by which file: environment variables read, connections, look-ups of names, processes, timers,
 * listeners on the process, words on the output.
 */
import childProcess from 'node:child_process'
import dgram from 'node:dgram'
import dns from 'node:dns'
import { createRequire, syncBuiltinESMExports } from 'node:module'
import net from 'node:net'
import { fileURLToPath } from 'node:url'

const [way, name] = process.argv.slice(2)
const require = createRequire(import.meta.url)
const self = fileURLToPath(import.meta.url)
const deeds = []
let watching = false

/** Who did it: the first file on the stack that is neither Node's nor this one. Node itself reads variables when it loads. */
function note(what) {
  if (!watching) return
  const lines = new Error('here').stack.split('\n').slice(1)
  const line = lines.find((each) => !each.includes('node:') && !each.includes('import-spy.mjs'))
  const by = line && /\(?((?:file:\/\/)?\/[^)]*?):\d+:\d+\)?$/.exec(line)?.[1]
  const first = lines.find((each) => !each.includes('import-spy.mjs')) ?? ''
  if (by === undefined || (what.startsWith('env ') && first.includes('node:internal/modules'))) return
  deeds.push({ what, by: by.replace('file://', '') })
}

function watch(object, method, what) {
  const original = object[method]
  object[method] = function (...args) {
    note(what)
    return original.apply(this, args)
  }
}

watch(net.Socket.prototype, 'connect', 'connect')
watch(net.Server.prototype, 'listen', 'listen')
watch(dgram, 'createSocket', 'datagrams')
for (const method of ['lookup', 'resolve', 'resolve4', 'resolveSrv']) watch(dns, method, 'lookup')
for (const method of ['spawn', 'exec', 'execFile', 'fork', 'spawnSync', 'execSync', 'execFileSync'])
  watch(childProcess, method, 'spawn')
for (const method of ['setTimeout', 'setInterval']) watch(globalThis, method, 'timer')
watch(globalThis, 'fetch', 'connect')
for (const method of ['on', 'once', 'addListener', 'prependListener']) watch(process, method, 'listener')
for (const stream of [process.stdout, process.stderr]) watch(stream, 'write', 'write')
const log = console.log
console.log = (...words) => {
  note('write')
  return words
}
syncBuiltinESMExports()
const tell = (variable) => typeof variable === 'string' && note(`env ${variable}`)
process.env = new Proxy(process.env, {
  get: (env, variable) => (tell(variable), Reflect.get(env, variable)),
  has: (env, variable) => (tell(variable), Reflect.has(env, variable)),
  ownKeys: (env) => (note('env *'), Reflect.ownKeys(env)),
})

watching = true
if (way === 'require') require(name)
else await import(name)
watching = false
log(JSON.stringify(deeds.filter(({ by }) => by !== self)))
process.exit()
