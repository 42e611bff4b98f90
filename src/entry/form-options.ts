import { checkOneOf } from '../base/check.ts'
import { OptionError, quote } from '../base/errors.ts'
import type { Codec } from './codec.ts'
import { checkCompression, checkMaxInflated, type Compression, type CompressionOptions } from './compression.ts'
import type { Form } from './form.ts'
import { checkSchema, type StandardSchema } from './schema.ts'

/** How the values of a cache or a space are kept on nodes. */
export interface FormOptions {
  /** Values to bytes and back; {@link jsonCodec} unless given. */
  codec?: Codec<never> | Codec
  /** Checks what comes back from a node or a loader; a mismatch on a node is a miss. None unless given. */
  schema?: StandardSchema
  /**
   * `'envelope'` (the default) puts a header with times, version and checks in front of the codec's bytes. `'raw'` stores
   * the codec's bytes alone, for programs in other languages to read: without key check, negative entries, freshness and
   * fence: what was stored under another key's name, or is out of date by its own times, is not noticed.
   */
  format?: 'envelope' | 'raw'
  /**
   * Compresses large values where that makes them smaller; `false`, and off, unless given. What is compressed is read whether
   * this is on or not. Not with `format: 'raw'`.
   */
  compression?: false | CompressionOptions
  /**
   * The most bytes that a stored value may inflate to; 64 MiB unless given, at most 1 GiB. What would be larger is a miss; a
   * value that is larger is not compressed.
   */
  maxInflatedBytes?: number
}

/** The names of {@link FormOptions}. */
export const FORM_OPTIONS = ['codec', 'schema', 'format', 'compression', 'maxInflatedBytes'] as const

/** Refuses bad {@link FormOptions}; what is left out comes from `base`. */
export function checkForm(given: Readonly<Record<string, unknown>>, base: Form): Form {
  const format =
    given['format'] === undefined ? base.format : checkOneOf(given['format'], 'format', ['envelope', 'raw'])
  const { compression, maxInflatedBytes } = given
  return {
    codec: given['codec'] === undefined ? base.codec : checkCodec(given['codec']),
    schema: given['schema'] === undefined ? base.schema : checkSchema(given['schema']),
    format,
    compression: compression === undefined ? inherited(format, base) : ownCompression(compression, format),
    maxInflatedBytes: maxInflatedBytes === undefined ? base.maxInflatedBytes : checkMaxInflated(maxInflatedBytes),
  }
}

/** What is stored raw is for programs that cannot know whether it is compressed. */
function inherited(format: Form['format'], { compression }: Form): Compression | undefined {
  return format === 'raw' ? undefined : compression
}

function ownCompression(given: unknown, format: Form['format']): Compression | undefined {
  const compression = checkCompression(given)
  if (compression === undefined || format === 'envelope') return compression
  throw new OptionError('ERR_OPTION', "compression needs format 'envelope'; given: 'raw'")
}

function checkCodec(given: unknown): Codec {
  const codec = given as Partial<Codec> | null
  if (typeof codec?.encode === 'function' && typeof codec.decode === 'function') return codec as Codec
  throw new OptionError('ERR_OPTION', `codec must have encode and decode; given: ${quote(given)}`)
}
