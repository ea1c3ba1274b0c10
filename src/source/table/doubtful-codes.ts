import pg, { type ClientConfig } from 'pg'
import { sqlstate } from '../../model/failure/sqlstate.ts'
import { qualifiedName, quoteIdentifier } from '../sql-names.ts'
import type { Wanted } from '../wanted.ts'

/** Number of rows without a code, and of rows whose code another row has. */
export interface DoubtfulCodes {
  readonly missing: number
  readonly repeated: number
}

/** Time limit of the count, to spare the customer's server. */
const maxCountMs = 3_000

/** Counts the doubtful codes of a table whose code is one column; null on timeout. It takes only the lock of a query. */
export async function countDoubtfulCodes(
  config: ClientConfig,
  { column, ...wanted }: Wanted & { readonly column: string },
): Promise<DoubtfulCodes | null> {
  const code = quoteIdentifier(column)
  const where = wanted.where === null ? '' : ` where ${wanted.where}`
  const client = new pg.Client({ ...config, statement_timeout: maxCountMs })
  client.on('error', () => undefined)
  await client.connect()
  try {
    const { rows } = await client.query<Record<keyof DoubtfulCodes, string>>(
      `select count(*) - count(${code}) as missing, count(${code}) - count(distinct ${code}) as repeated
       from ${qualifiedName(wanted)}${where}`,
    )
    return { missing: Number(rows[0]?.missing), repeated: Number(rows[0]?.repeated) }
  } catch (error) {
    if (error instanceof pg.DatabaseError && error.code === sqlstate.queryCanceled) return null
    throw error
  } finally {
    await client.end()
  }
}
