import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { availableParallelism, cpus, totalmem } from 'node:os'
import { dirname, join } from 'node:path'

/** Where the figures come from. */
export interface Machine {
  readonly node: string
  readonly v8: string
  readonly cpu: string
  readonly cores: number
  readonly memoryGiB: number
  readonly platform: string
}

export function machine(): Machine {
  return {
    node: process.version,
    v8: process.versions.v8,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    platform: `${process.platform} ${process.arch}`,
  }
}

/** The version of a package that is installed. */
export function versionOf(name: string): string {
  let folder = dirname(createRequire(import.meta.url).resolve(name))
  for (;;) {
    try {
      const { version, name: found } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Partial<
        Record<'version' | 'name', string>
      >
      // Inside a package there may be others, without a name, that only say which kind of modules they hold.
      if (found !== undefined && version !== undefined) return version
    } catch {
      // Not there: the next folder up.
    }
    const up = dirname(folder)
    if (up === folder) return 'unknown'
    folder = up
  }
}
