export { conformanceCases, describeAdapter, type TestRunner } from './conformance/suite.ts'
export type { ConformanceCase, ConformanceSetup, ServerControl } from './conformance/setup.ts'
export { ManualClock } from './manual-clock.ts'
