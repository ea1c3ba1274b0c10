import { type Stand, slot } from './stand.ts'

/** Runs statements in one transaction. @returns a position after its last row and before its commit record. */
export async function commitTransaction({ pool }: Stand, statements: string): Promise<string> {
  const client = await pool.connect()
  try {
    await client.query(`begin; ${statements}`)
    const { rows } = await client.query<{ lsn: string }>('select pg_current_wal_insert_lsn()::text as lsn')
    await client.query('commit')
    return rows[0]?.lsn ?? ''
  } finally {
    client.release()
  }
}

/** Returns true if the slot's confirmed position is past this one. */
export async function isConfirmedPast({ pool }: Stand, lsn: string): Promise<boolean> {
  const { rows } = await pool.query<{ isPast: boolean }>(
    'select confirmed_flush_lsn > $2::pg_lsn as "isPast" from pg_replication_slots where slot_name = $1',
    [slot, lsn],
  )
  return rows[0]?.isPast === true
}

/** Returns true if a row is owed: it did not fit in memory, its note is stored, and it is still to be read from the table. */
export async function isAnyOwed({ pool }: Stand): Promise<boolean> {
  const { rows } = await pool.query<{ isAny: boolean }>(
    `select exists (select from mediquo_cdc.delivery where owed in ('content', 'end')) as "isAny"`,
  )
  return rows[0]?.isAny === true
}
