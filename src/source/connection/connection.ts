import type { ClientConfig } from 'pg'
import { type Security, securedConnection } from './secured-connection.ts'

/**
 * Options of every session. They make values arrive as the same text whatever the settings of the database are. Rows that row-level
 * security would hide are an error, because missing rows would look like deletes. Bitmap scans are off, so that rows are read in the order
 * of the key: on a table without statistics a bitmap would collect and sort all rows that share the key's first column.
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
  /** Connection URL; null leaves it to the libpq variables (PGHOST, PGUSER, …). */
  readonly url: string | null
  readonly security: Security
  /** Session options that the environment already sets (PGOPTIONS). */
  readonly environmentOptions: string
  readonly applicationName: string
  readonly connectTimeoutMs: number
}

/** Configures a connection to the customer's PostgreSQL. Values arrive as the server's text and are never converted by type. */
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

/** Appends our session options to the URL's own `options`, which would replace them otherwise. Ours come last, so that they win. */
function withOptions({ url, environmentOptions }: ConnectionSettings): { url: string | null; options: string | null } {
  if (url === null) return { url, options: `${environmentOptions} ${sessionOptions}`.trim() }
  const parsed = new URL(url)
  const own = parsed.searchParams.get('options') ?? environmentOptions
  parsed.searchParams.delete('options')
  return { url: parsed.toString(), options: `${own} ${sessionOptions}`.trim() }
}
