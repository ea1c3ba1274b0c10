import type { ClientBase } from 'pg'
import { ConnectorError } from '../../../model/failure/connector-error.ts'

/**
 * Requires that a session has the settings with which it was opened: a pooler can drop them, or hand the session on to somebody else, and
 * statements would then find other tables. @param settings some of them, as the server shows them.
 * @throws {ConnectorError} protocol unsupported
 */
export async function requireSettings(
  client: ClientBase,
  settings: Readonly<Record<string, string>>,
  database: string,
): Promise<void> {
  const { rows } = await client.query<{ lacking: string | null }>(
    `select string_agg(name, ', ') as lacking from unnest($1::text[], $2::text[]) as s(name, value)
     where current_setting(name) <> value`,
    [Object.keys(settings), Object.values(settings)],
  )
  const lacking = rows[0]?.lacking ?? null
  if (lacking === null) return
  throw new ConnectorError(
    'protocol unsupported',
    `a session of ${database} has other settings than it was opened with (${lacking}): something between drops the startup parameter options`,
  )
}
