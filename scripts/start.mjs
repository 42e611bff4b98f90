/** `npm start [-- redis://… memcached://…]`: the guided tour, on this machine's servers or the ones given. */
import { join } from 'node:path'
import { root, widenSearchPath } from './process.mjs'
import { runTypeScript, setUp } from './setup.mjs'

await setUp()
widenSearchPath()
process.exitCode = await runTypeScript(join(root, 'examples', 'tour', 'main.ts'), process.argv.slice(2))
