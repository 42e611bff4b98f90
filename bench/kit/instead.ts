/** Preloaded by a process that is to load other packages than those named: see `Contender.instead`. */
import { register } from 'node:module'

const names = JSON.stringify(process.env['BENCH_INSTEAD'] ?? '{}')
const hooks = `const instead = JSON.parse(${names})
export const resolve = (name, context, next) => next(instead[name] ?? name, context)`
register(`data:text/javascript,${encodeURIComponent(hooks)}`)
