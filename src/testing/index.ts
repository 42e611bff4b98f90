export { conformanceCases, describeAdapter, type TestRunner } from './conformance/suite.ts'
export type { ConformanceCase, ConformanceSetup, ServerControl } from './conformance/setup.ts'
export { faulty, type FaultLab, type FaultyOptions } from './faulty/lab.ts'
export type { FaultCounts } from './faulty/rules.ts'
export type {
  CorruptFault,
  DelayFault,
  DownFault,
  DropFault,
  ErrorFault,
  FaultCode,
  FaultOperation,
  FaultRule,
  FaultTarget,
  HangFault,
} from './faulty/rule.ts'
export { ManualClock } from './manual-clock.ts'
export { seededRandom } from './random.ts'
