/**
 * `node load-recorder.mjs <import|require> <module>`: loads a module and prints a line for each module that was loaded on
 * the way: who loaded it, and its file, with a tab between. Built-in modules are left out.
 */
import { writeSync } from 'node:fs'
import { Module, createRequire, register } from 'node:module'
import { pathToFileURL } from 'node:url'

// Runs on the thread of the loader hooks, and writes at once: that thread gets no chance to finish anything later.
const hooks = `
  import { writeSync } from 'node:fs'
  export async function resolve(specifier, context, next) {
    const result = await next(specifier, context)
    if (result.url.startsWith('file:')) writeSync(1, (context.parentURL ?? '') + '\\t' + result.url + '\\n')
    return result
  }
`

const [way, name] = process.argv.slice(2)
const load = Module._load
Module._load = function (request, parent, isMain) {
  const file = Module.isBuiltin(request) ? undefined : Module._resolveFilename(request, parent, isMain)
  if (file !== undefined && parent?.filename)
    writeSync(1, `${pathToFileURL(parent.filename).href}\t${pathToFileURL(file).href}\n`)
  return load.call(this, request, parent, isMain)
}
if (way === 'require') {
  createRequire(import.meta.url)(name)
} else {
  register(`data:text/javascript,${encodeURIComponent(hooks)}`)
  await import(name)
}
