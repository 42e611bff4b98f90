export { CacheError, KeyError, LoadError, NodeError, OptionError, ValueError, isCacheError } from './base/errors.ts'
