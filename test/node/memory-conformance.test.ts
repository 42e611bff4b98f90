import { describe, it } from 'vitest'
import { memoryNode } from '../../src/node/memory.ts'
import { describeAdapter } from '../../src/testing/index.ts'

const standard = memoryNode('a')
describeAdapter('memoryNode', { open: standard.primary.open, without: ['value-limit'] }, { describe, it })

const small = memoryNode('b', { max: 1_000, maxBytes: 4 * 2 ** 20 })
describeAdapter('memoryNode with 4 MiB', { open: small.primary.open }, { describe, it })
