import type { Options } from 'tsup'

const config: Options = {
  entry: {
    index: 'src/index.ts',
    redis: 'src/redis/index.ts',
    memcached: 'src/memcached/index.ts',
    testing: 'src/testing/index.ts',
  },
  format: ['esm', 'cjs'],
  target: 'es2023',
  platform: 'node',
  // Symbol.asyncDispose is in the types; a program that compiles for ES2022 has to be told of it.
  dts: { banner: '/// <reference lib="esnext.disposable" />' },
  // What two entries share is one module at run time, in both formats.
  splitting: true,
  treeshake: true,
  removeNodeProtocol: false,
  clean: true,
}
export default config
