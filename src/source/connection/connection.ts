import type { ClientConfig } from 'pg'
import { type Security, securedConnection } from './secured-connection.ts'

/**
 * What the connector asks of every connection, so that values come as the same text whatever the database's settings say.
 * Rows that row-level security would hide are an error: fewer rows would look like deletes. Rows are read in the key's order:
 * on a table without statistics a bitmap would collect and sort all that share the key's first column.
 */
const sessionOptions = [
  'datestyle=ISO',
  'timezone=UTC',
  'intervalstyle=postgres',
  'bytea_output=hex',
  'extra_float_digits=1',
  'search_path=pg_catalog',
  'row_security=off',
  'enable_bitmapscan=off',
]
  .map((setting) => `-c ${setting}`)
  .join(' ')

export interface ConnectionSettings {
  /** A connection URL; null leaves it to the libpq variables (PGHOST, PGUSER, …). */
  readonly url: string | null
  readonly security: Security
  /** What the environment asks for already (PGOPTIONS). */
  readonly environmentOptions: string
  readonly applicationName: string
  readonly connectTimeoutMs: number
}

/** A connection to the customer's PostgreSQL whose values are the server's text, never converted by type. */
export function sourceClientConfig(settings: ConnectionSettings): ClientConfig {
  const { url, options } = withOptions(settings)
  return {
    ...securedConnection(url, settings.security),
    ...(options === null ? {} : { options }),
    application_name: settings.applicationName,
    connectionTimeoutMillis: settings.connectTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    types: { getTypeParser: () => (value: string) => value },
  }
}

/** A URL's own `options` would replace ours: they are joined instead, ours last, so that ours hold. */
function withOptions({ url, environmentOptions }: ConnectionSettings): { url: string | null; options: string | null } {
  if (url === null) return { url, options: `${environmentOptions} ${sessionOptions}`.trim() }
  const parsed = new URL(url)
  const own = parsed.searchParams.get('options') ?? environmentOptions
  parsed.searchParams.delete('options')
  return { url: parsed.toString(), options: `${own} ${sessionOptions}`.trim() }
}
