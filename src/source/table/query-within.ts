import { DatabaseError, type Pool } from 'pg'
import { sqlstate } from '../../model/failure/sqlstate.ts'

/** Runs a query that only reads, and ends it after `ms`, to spare the customer's server. @returns its rows; null if the time ran out. */
export async function queryWithin(pool: Pool, ms: number, text: string): Promise<(string | null)[][] | null> {
  const client = await pool.connect()
  try {
    await client.query(`begin read only; set local statement_timeout = ${ms}`)
    const { rows } = await client.query<(string | null)[]>({ text, rowMode: 'array' })
    return rows
  } catch (error) {
    if (error instanceof DatabaseError && error.code === sqlstate.queryCanceled) return null
    throw error
  } finally {
    const isClean = await client.query('rollback').then(
      () => true,
      () => false,
    )
    client.release(!isClean)
  }
}
