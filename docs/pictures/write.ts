/** Writes the drawn pictures of the documentation into `docs/images`: `node scripts/run.mjs docs/pictures/write.ts`. */
import { writeFileSync } from 'node:fs'
import { drawings } from './drawings.ts'

for (const [name, svg] of await drawings()) {
  writeFileSync(new URL(`../images/${name}`, import.meta.url), svg)
}
