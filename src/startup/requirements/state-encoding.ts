import type { Pool } from 'pg'
import type { Resources } from '../resources.ts'
import { checkFailed } from './check-failed.ts'

/**
 * Requires that the database of the state can hold every key and code of the source: with another encoding of several bytes a character,
 * one row would stop all writes. @throws {ConnectorError} check failed
 */
export async function requireStateEncoding({ source, state }: Pick<Resources, 'source' | 'state'>): Promise<void> {
  const [ofState, ofSource] = [await encodingOf(state.pool), await encodingOf(source.pool)]
  if (ofState.name === 'UTF8' || ofState.name === ofSource.name || ofState.maxBytes === '1') return
  throw checkFailed([
    {
      requirement: 'the state can hold every key',
      met: false,
      detail: `the database of the state has the encoding ${ofState.name}, which lacks characters of ${ofSource.name}, the encoding of the source`,
      fix: 'set state.url to a database with the encoding UTF8',
    },
  ])
}

async function encodingOf(pool: Pool): Promise<{ readonly name: string; readonly maxBytes: string }> {
  const { rows } = await pool.query<{ name: string; maxBytes: string }>(
    `select getdatabaseencoding() as name, pg_encoding_max_length(encoding)::text as "maxBytes"
     from pg_database where datname = current_database()`,
  )
  return rows[0] ?? { name: 'UTF8', maxBytes: '1' }
}
