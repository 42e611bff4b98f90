import { availableParallelism } from 'node:os'
import type { ViteUserConfig } from 'vitest/config'

const config: ViteUserConfig = {
  test: {
    include: ['test/**/*.test.ts'],
    // A process per file: tests look at handles, memory and unhandled rejections of the whole process.
    pool: 'forks',
    // More would start dozens of servers at once.
    maxWorkers: Math.min(4, Math.max(2, availableParallelism())),
    setupFiles: ['test/support/steady.ts'],
    // They end what hangs, on a machine that runs at a quarter of its speed as well.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    allowOnly: false,
    unstubEnvs: true,
    restoreMocks: true,
  },
}
export default config
