import { OptionError, quote } from '../base/errors.ts'

/**
 * A schema of zod, valibot, arktype or any other library that follows Standard Schema v1 (https://standardschema.dev).
 * Only this part of it is used.
 */
export interface StandardSchema<T = unknown> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    /** The value the given one stands for, or what is wrong with it. May be asynchronous. */
    validate(value: unknown): SchemaResult<T> | Promise<SchemaResult<T>>
    readonly types?: { readonly input: unknown; readonly output: T } | undefined
  }
}

/** What a schema says of a value: the value it stands for, or what is wrong with it. */
export type SchemaResult<T> =
  { readonly value: T; readonly issues?: undefined } | { readonly issues: readonly { readonly message: string }[] }

/** Refuses what is not a Standard Schema. */
export function checkSchema(given: unknown): StandardSchema {
  const standard = (given as Partial<StandardSchema> | null | undefined)?.['~standard']
  if (typeof standard?.validate === 'function') return given as StandardSchema
  throw new OptionError(
    'ERR_OPTION',
    `schema must be a Standard Schema (zod, valibot, arktype, …); given: ${quote(given)}`,
  )
}
