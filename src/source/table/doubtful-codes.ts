import pg, { type ClientConfig } from 'pg'
import { qualifiedName, quoteIdentifier } from '../sql-names.ts'
import type { Wanted } from '../wanted.ts'

/** How many rows have no code, and how many have another row's. */
export interface DoubtfulCodes {
  readonly missing: number
  readonly repeated: number
}

/** The customer's server is not to work longer than this for it. */
const mostMs = 3_000
const canceled = '57014'

/** Counts them, of a table whose code is one column; null if that would take too long. It reads, and takes no other lock. */
export async function countDoubtfulCodes(
  config: ClientConfig,
  { column, ...wanted }: Wanted & { readonly column: string },
): Promise<DoubtfulCodes | null> {
  const code = quoteIdentifier(column)
  const where = wanted.where === null ? '' : ` where ${wanted.where}`
  const client = new pg.Client({ ...config, statement_timeout: mostMs })
  client.on('error', () => undefined)
  await client.connect()
  try {
    const { rows } = await client.query<Record<keyof DoubtfulCodes, string>>(
      `select count(*) - count(${code}) as missing, count(${code}) - count(distinct ${code}) as repeated
       from ${qualifiedName(wanted)}${where}`,
    )
    return { missing: Number(rows[0]?.missing), repeated: Number(rows[0]?.repeated) }
  } catch (error) {
    if (error instanceof pg.DatabaseError && error.code === canceled) return null
    throw error
  } finally {
    await client.end()
  }
}
