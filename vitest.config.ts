import { availableParallelism } from 'node:os'
import type { ViteUserConfig } from 'vitest/config'

const config: ViteUserConfig = {
  test: {
    include: ['test/**/*.test.ts'],
    // A process per file: tests look at handles, memory and unhandled rejections of the whole process.
    pool: 'forks',
    // More would start dozens of servers at once.
    maxWorkers: Math.min(4, Math.max(2, availableParallelism())),
    testTimeout: 20_000,
    hookTimeout: 30_000,
    allowOnly: false,
    unstubEnvs: true,
    restoreMocks: true,
  },
}
export default config
