import { z } from 'zod'
import { parseBaseUrl } from '../value/base-url.ts'
import { parseDurationMs } from '../value/duration.ts'
import { parseTableName } from '../value/table-name.ts'

/** Text that is not blank. */
export const text = z.string('must be text').refine((value) => value.trim() !== '', 'must not be empty')

/** Text, or null; empty text (an unset variable with an empty fallback) counts as null. */
export function nullable<T extends z.ZodType>(check: T) {
  return z.preprocess((value) => (value === '' ? null : value), z.nullable(check))
}

/** Whole number within inclusive bounds; digits as text (an environment variable) are accepted. */
export function whole(least: number, most = Number.MAX_SAFE_INTEGER) {
  const range = most === Number.MAX_SAFE_INTEGER ? `must be at least ${least}` : `must be between ${least} and ${most}`
  const number = z.int('must be a whole number').min(least, range).max(most, range)
  return z.preprocess(
    (value) => (typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value),
    number,
  )
}

/** Word from a list. */
export function choice<const T extends readonly [string, ...string[]]>(words: T) {
  return z.enum(words, `must be one of: ${words.join(', ')}`)
}

/** Duration of 1 ms to 1 h, as milliseconds. */
export const durationMs = z.string('must be a duration such as 30s').transform((value, context) => {
  const parsed = parseDurationMs(value)
  if (parsed === null) context.addIssue('must be a duration such as 500ms, 30s or 2m')
  else if (parsed < 1 || parsed > 3_600_000) context.addIssue('must be between 1ms and 1h')
  return parsed ?? 0
})

/** Duration of 1 h to ten years, as milliseconds. */
export const keepingMs = z.string('must be a duration such as 30d').transform((value, context) => {
  const parsed = parseDurationMs(value)
  if (parsed === null) context.addIssue('must be a duration such as 12h or 30d')
  else if (parsed < 3_600_000 || parsed > 3_650 * 86_400_000) context.addIssue('must be between 1h and 3650d')
  return parsed ?? 0
})

/** Name that SQL accepts without quotes. */
export const identifier = z
  .string('must be text')
  .regex(/^[a-z_][a-z0-9_]{0,62}$/, 'must be lower-case letters, digits and underscores, not a digit first, at most 63')

/** Name of a schema that can be created: the server reserves the prefix `pg_`. */
export const schemaName = identifier.refine((name) => !name.startsWith('pg_'), 'must not begin with pg_')

/** Name of a slot: lower-case letters, digits and underscores. PostgreSQL manual, "Replication Slots". */
export const slotName = z
  .string('must be text')
  .regex(/^[a-z0-9_]{1,63}$/, 'must be lower-case letters, digits and underscores, at most 63')

/** Name of a table, as `{schema, table}`. */
export const tableName = z.string('must be text').transform((value, context) => {
  const parsed = parseTableName(value)
  if (parsed === null) context.addIssue('must be `table` or `schema.table` (names that need quotes in double quotes)')
  return parsed ?? { schema: '', table: '' }
})

/** Base URL of the API. */
export const baseUrl = z.string('must be text').transform((value, context) => {
  const parsed = parseBaseUrl(value)
  if (parsed instanceof URL) return parsed
  context.addIssue(parsed)
  return z.NEVER
})

/** Key that is sent in an HTTP header. */
export const headerValue = z
  .string('must be text (a number must be put in quotes)')
  .regex(/^[\x21-\x7e]+$/, 'must be printable ASCII characters without spaces, and not empty')

/** PostgreSQL connection URL. */
export const databaseUrl = z
  .string('must be text')
  .refine(
    (value) => /^postgres(?:ql)?:\/\//.test(value) && URL.canParse(value),
    'must be a URL such as postgres://user@host/database (special characters in a password percent-encoded)',
  )
