import type { ClientConfig, Pool } from 'pg'
import pg from 'pg'
import { type Lsn, parseLsn } from '../model/lsn.ts'
import { parseSnapshot, type Xid, xid } from '../model/visibility.ts'

/** A slot could not be made in time: a transaction that was already open keeps it from becoming consistent. */
class SlotTimeoutError extends Error {
  override readonly name = 'SlotTimeoutError'
}

export interface NewSlot {
  readonly confirmedFlushLsn: Lsn
  /** MERGE rule 1: no table read before a snapshot whose xmin is above this. */
  readonly gapXid: Xid
}

/**
 * Makes the publication (first: a slot made before it fails for ever), then the slot. Every statement gives up a lock after
 * five seconds, so that no application waits behind it. @throws {SlotTimeoutError} after `timeoutMs`; no half-made slot stays.
 */
export async function createSlot(
  config: ClientConfig,
  options: { readonly slot: string; readonly publicationSql: string | null; readonly timeoutMs: number },
): Promise<NewSlot> {
  const client = new pg.Client(config)
  client.on('error', () => undefined)
  await client.connect()
  try {
    await client.query("set lock_timeout = '5s'")
    if (options.publicationSql) await client.query(options.publicationSql)
    const pid = await value(client, 'select pg_backend_pid()')
    const made = await withinTime(
      value(client, `select lsn::text from pg_create_logical_replication_slot('${options.slot}', 'pgoutput')`),
      options.timeoutMs,
    )
    if (made === null) {
      await abandon(config, options.slot, pid)
      throw new SlotTimeoutError(
        'the replication slot could not be made: it waits for a transaction that is still open; ' +
          "end it (SELECT pid, xact_start, state, query FROM pg_stat_activity WHERE backend_xid IS NOT NULL OR state LIKE 'idle in%')",
      )
    }
    const gap = await value(client, 'select pg_current_xact_id()::text')
    return { confirmedFlushLsn: parseLsn(made), gapXid: xid(BigInt(gap)) }
  } finally {
    await client.end().catch(() => undefined)
  }
}

/**
 * Drops the slot if it is still the one that was looked at; a slot that another session has made since begins elsewhere.
 * @throws SQLSTATE 55006 while another session uses it.
 */
export async function dropSlotAsFound(pool: Pool, slot: string, confirmedFlushLsn: string | null): Promise<void> {
  await pool.query(
    `select pg_drop_replication_slot(slot_name) from pg_replication_slots
      where slot_name = $1 and confirmed_flush_lsn is not distinct from $2::pg_lsn`,
    [slot, confirmedFlushLsn],
  )
}

/** MERGE rule 1: whether every transaction that was running when the slot was made has ended and can be seen. */
export function slotGapIsClosed(snapshotText: string, gapXid: Xid): boolean {
  return parseSnapshot(snapshotText).xmin > gapXid
}

/** Null if the time ran out. */
async function withinTime(result: Promise<string>, timeoutMs: number): Promise<string | null> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), timeoutMs)
  })
  result.catch(() => undefined)
  try {
    return await Promise.race([result, timeout])
  } finally {
    clearTimeout(timer)
  }
}

async function abandon(config: ClientConfig, slot: string, pid: string): Promise<void> {
  const client = new pg.Client(config)
  client.on('error', () => undefined)
  await client.connect()
  try {
    await client.query('select pg_terminate_backend($1, 5000)', [pid])
    await client.query(
      'select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = $1 and not active',
      [slot],
    )
  } finally {
    await client.end()
  }
}

async function value(client: pg.Client, sql: string): Promise<string> {
  const result = await client.query<Record<string, string>>(sql)
  return Object.values(result.rows[0] ?? {})[0] ?? ''
}
