import type { ClientConfig, Pool } from 'pg'
import pg from 'pg'
import { aborted } from '../../lifecycle/abort.ts'
import { deadline } from '../../lifecycle/deadline.ts'
import { ConnectorError } from '../../model/failure/connector-error.ts'
import { type Lsn, parseLsn } from '../../model/source/lsn.ts'
import { parseSnapshot, type Xid, xid } from '../../model/source/visibility.ts'
import { type Publishing, publish } from '../writes/publish.ts'
import { requireAccepted } from '../writes/refused-write.ts'

export interface NewSlot {
  readonly confirmedFlushLsn: Lsn
  /** Rule 1: no table read is valid before a snapshot whose xmin is above this. */
  readonly gapXid: Xid
}

export interface NewSlotOptions {
  readonly slot: string
  /** Publication to create first; null: it exists. */
  readonly publishing: Publishing | null
  readonly timeoutMs: number
  /** Called while the creation waits for transactions that are still open. */
  readonly onWaiting?: () => void
  readonly signal?: AbortSignal
}

/** Delay before `onWaiting`: a slot that is created sooner is not reported. */
const quietMs = 2_000

/**
 * Creates the publication first, because a slot created before it always fails, and then the slot. From PostgreSQL 17 on the slot is also
 * synchronized to standbys. Each statement waits at most five seconds for a lock, so that no application queues behind it.
 * @throws {ConnectorError} check failed, if the application could not update and delete any more: then nothing is created; slot not made
 * after `timeoutMs`, or the signal's reason: no half-created slot remains.
 */
export async function createSlot(config: ClientConfig, options: NewSlotOptions): Promise<NewSlot> {
  const client = new pg.Client(config)
  client.on('error', () => undefined)
  await client.connect()
  try {
    await client.query("set lock_timeout = '5s'")
    if (options.publishing) requireAccepted(await publish(client, options.publishing))
    const pid = await value(client, 'select pg_backend_pid()')
    const failover = await value(
      client,
      `select case when current_setting('server_version_num')::int >= 170000 and not pg_is_in_recovery() then ', failover => true' end`,
    )
    const made = await withinTime(
      value(
        client,
        `select lsn::text from pg_create_logical_replication_slot('${options.slot}', 'pgoutput'${failover ?? ''})`,
      ),
      options,
    )
    if (made === null) {
      await abandon(config, options.slot, pid)
      options.signal?.throwIfAborted()
      throw new ConnectorError(
        'slot not made',
        'the replication slot could not be made: it waits for a transaction that is still open; ' +
          "end it (SELECT pid, xact_start, state, query FROM pg_stat_activity WHERE backend_xid IS NOT NULL OR state LIKE 'idle in%')",
      )
    }
    // A standby has no transactions of its own.
    const gap = await value(
      client,
      `select case when pg_is_in_recovery() then (pg_snapshot_xmax(pg_current_snapshot())::text::bigint - 1)::text
        else pg_current_xact_id()::text end`,
    )
    return { confirmedFlushLsn: parseLsn(made), gapXid: xid(BigInt(gap)) }
  } finally {
    await client.end().catch(() => undefined)
  }
}

/**
 * Drops the slot if its position is still the given one. A slot that another session has created since has another position.
 * @throws SQLSTATE 55006 while another session uses it.
 */
export async function dropSlotAsFound(pool: Pool, slot: string, confirmedFlushLsn: string | null): Promise<void> {
  await pool.query(
    `select pg_drop_replication_slot(slot_name) from pg_replication_slots
      where slot_name = $1 and confirmed_flush_lsn is not distinct from $2::pg_lsn`,
    [slot, confirmedFlushLsn],
  )
}

/** Rule 1: returns true if every transaction that ran when the slot was created has ended and is visible. */
export function slotGapIsClosed(snapshotText: string, gapXid: Xid): boolean {
  return parseSnapshot(snapshotText).xmin > gapXid
}

/** Returns the result; null if the time ran out or the signal aborted. */
async function withinTime(
  result: Promise<string>,
  { timeoutMs, onWaiting, signal }: NewSlotOptions,
): Promise<string | null> {
  result.catch(() => undefined)
  const speaking = setTimeout(() => onWaiting?.(), quietMs)
  const limit = deadline(signal ?? new AbortController().signal, timeoutMs)
  try {
    return await Promise.race([result, aborted(limit.signal).then(() => null)])
  } finally {
    clearTimeout(speaking)
    limit.clear()
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
