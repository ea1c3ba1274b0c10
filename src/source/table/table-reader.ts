import type { Pool, PoolClient } from 'pg'
import { z } from 'zod'
import { ConnectorError } from '../../model/failure/connector-error.ts'
import { type Lsn, parseLsn } from '../../model/source/lsn.ts'
import { keyValues, type Row, type RowKey, rowKey } from '../../model/source/row.ts'
import { parseSnapshot, type Snapshot, seesAll } from '../../model/source/visibility.ts'
import { queryWithin } from './query-within.ts'
import {
  byKeySql,
  columnsRead,
  countSql,
  estimateSql,
  pageSql,
  type ReadableTable,
  sampleSql,
} from './table-read-sql.ts'

/** Rows as the snapshot of one statement sees them. */
export interface TableRead {
  readonly snapshot: Snapshot
  readonly snapshotText: string
  /** Published rows. A requested key that is missing here did not exist, or the row filter excludes it. */
  readonly rows: ReadonlyMap<RowKey, Row>
  /** WAL insert position after the snapshot; on a standby, the end of the WAL that it had received. */
  readonly endLsn: Lsn
  /** LSN before which every commit is contained, on a standby. Null on a primary, whose snapshot tells. */
  readonly containsLsn: Lsn | null
}

/** Consecutive rows in the order of the key. */
export interface TablePage extends TableRead {
  /** Rows of the page that the row filter excludes. */
  readonly leftOut: readonly RowKey[]
  /** Last key of the page, published or not; null if the page is empty. */
  readonly last: RowKey | null
  /** True if no row follows the page. */
  readonly isLast: boolean
}

/** Conditions under which a read is returned. */
export interface ReadGates {
  /**
   * For a standby: resolves once the stream has passed a position; null for a primary. The snapshots of a standby do not tell which
   * transactions they contain. It streams the changes that it shows, in the same order, so that positions do. Each read is returned once
   * the stream has passed it.
   */
  readonly passed: ((lsn: Lsn) => Promise<void>) | null
  /**
   * Resolves once the server has flushed its WAL up to a position, which it is asked for by the second argument. Null: not needed. A commit
   * with `synchronous_commit = off` is visible to a read before, and a crash of the server undoes it.
   */
  readonly flushed: ((lsn: Lsn, flushedLsn: () => Promise<Lsn>) => Promise<void>) | null
}

const noGates: ReadGates = { passed: null, flushed: null }

/**
 * Reads rows of the table as the stream would bring them, in short statements, each with its own snapshot. The pool's sessions are those of
 * `sourceClientConfig`.
 * @throws errors of the server, also if row-level security applies (SQLSTATE 42501).
 */
export class TableReader {
  readonly #pool: Pool
  readonly #gates: ReadGates
  readonly #keyColumns: readonly string[]
  readonly #columns: readonly string[]
  readonly #sql: Readonly<Record<'byKey' | 'firstPage' | 'page' | 'sample' | 'count' | 'estimate', string>>

  constructor(pool: Pool, table: ReadableTable, gates: ReadGates = noGates) {
    this.#pool = pool
    this.#gates = gates
    this.#keyColumns = table.key.map(({ name }) => name)
    this.#columns = columnsRead(table)
    this.#sql = {
      byKey: byKeySql(table),
      firstPage: pageSql(table, { fromStart: true }),
      page: pageSql(table, { fromStart: false }),
      sample: sampleSql(table),
      count: countSql(table),
      estimate: estimateSql(table),
    }
  }

  /** Reads the rows of these keys, in one statement. */
  async byKey(keys: readonly RowKey[]): Promise<TableRead> {
    const texts = keys.map(keyValues)
    const { read } = await this.#read(
      this.#sql.byKey,
      this.#keyColumns.map((_, at) => texts.map((key) => key[at] ?? null)),
    )
    return read
  }

  /** Reads the next `limit` rows after a key, or from the start. The cost is `limit` rows of an index, however few are published. */
  async page({ after, limit }: { readonly after: RowKey | null; readonly limit: number }): Promise<TablePage> {
    const { read, keys } = await (after === null
      ? this.#read(this.#sql.firstPage, [limit])
      : this.#read(this.#sql.page, [...keyValues(after), limit]))
    const leftOut = keys.filter((key) => !read.rows.has(key))
    return { ...read, leftOut, last: keys.at(-1) ?? null, isLast: keys.length < limit }
  }

  /** Returns up to `limit` random keys. It reads a sample of the blocks, and a larger one if the estimate was far too high. */
  async sampleKeys(limit: number): Promise<RowKey[]> {
    const rows = Math.max(1, await this.estimateRows())
    for (let percent = (100 * limit * sampledFrom) / rows; ; percent *= 8) {
      const values = [Math.min(100, percent), limit]
      const found = await this.#pool.query<string[]>({ text: this.#sql.sample, values, rowMode: 'array' })
      if (found.rows.length < limit && percent < 100) continue
      return found.rows.map((texts) =>
        rowKey(new Map(this.#keyColumns.map((column, at) => [column, texts[at] ?? null])), this.#keyColumns),
      )
    }
  }

  /**
   * Returns the number of rows, without regard to the row filter. It counts them within `countingMs`, and else returns the planner's
   * estimate, which can be far off.
   */
  async estimateRows(countingMs = 500): Promise<number> {
    return (await this.#countWithin(countingMs)) ?? (await this.#plannedRows())
  }

  /** Counts the rows; null if the time ran out. */
  async #countWithin(ms: number): Promise<number | null> {
    const rows = await queryWithin(this.#pool, ms, this.#sql.count)
    return rows === null ? null : Number(rows[0]?.[0])
  }

  async #plannedRows(): Promise<number> {
    const { rows } = await this.#pool.query<string[]>({ text: this.#sql.estimate, rowMode: 'array' })
    const [{ Plan: plan }] = explained.parse(JSON.parse(rows[0]?.[0] ?? ''))
    return plan['Plan Rows']
  }

  /** Runs a statement. Returns its rows, and the keys of all rows in its order, published or not. */
  async #read(text: string, values: unknown[]): Promise<{ readonly read: TableRead; readonly keys: RowKey[] }> {
    const { passed, flushed } = this.#gates
    const client = await this.#pool.connect()
    try {
      const from = passed ? await askStandby(client) : null
      const found = await client.query<FoundRow>({ text, values, rowMode: 'array' })
      const endLsn = passed ? (await askStandby(client)).arrivedLsn : await insertLsn(client)
      const snapshotText = found.rows[0]?.[0] ?? ''
      const keys: RowKey[] = []
      const rows = new Map<RowKey, Row>()
      for (const [, published, ...texts] of found.rows) {
        if (published === null) continue
        const row: Row = new Map(this.#columns.map((column, at) => [column, texts[at] ?? null]))
        const key = rowKey(row, this.#keyColumns)
        keys.push(key)
        if (published === 't') rows.set(key, row)
      }
      await passed?.(endLsn)
      // In the same session: a crash of the server in the meantime ends it, and the read fails.
      await flushed?.(endLsn, () => flushLsn(client))
      const snapshot = from ? seesAll : parseSnapshot(snapshotText)
      return { read: { snapshot, snapshotText, rows, endLsn, containsLsn: from?.replayedLsn ?? null }, keys }
    } finally {
      client.release()
    }
  }
}

async function insertLsn(client: PoolClient): Promise<Lsn> {
  const { rows } = await client.query<{ lsn: string }>('select pg_current_wal_insert_lsn()::text as lsn')
  return parseLsn(rows[0]?.lsn ?? '')
}

async function flushLsn(client: PoolClient): Promise<Lsn> {
  const { rows } = await client.query<{ lsn: string }>('select pg_current_wal_flush_lsn()::text as lsn')
  return parseLsn(rows[0]?.lsn ?? '')
}

/** Query of the positions. A commit is visible a moment before it counts as replayed, but never before it was received. */
const standbyQuery = `select pg_last_wal_replay_lsn()::text as replayed,
  greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())::text as arrived, pg_is_in_recovery() as standby`

/** Reads the standby's positions. @throws {ConnectorError} server promoted */
async function askStandby(client: PoolClient): Promise<{ readonly replayedLsn: Lsn; readonly arrivedLsn: Lsn }> {
  const { rows } = await client.query<Record<string, string | null>>(standbyQuery)
  const { replayed, arrived, standby } = rows[0] ?? {}
  if (standby !== 't' || !replayed || !arrived)
    throw new ConnectorError('server promoted', 'the server is no longer a standby')
  return { replayedLsn: parseLsn(replayed), arrivedLsn: parseLsn(arrived) }
}

/** Snapshot, whether the row is published (null: there is no row), and the columns read. */
type FoundRow = [snapshot: string, published: string | null, ...texts: (string | null)[]]

/** Rows read for each row taken. Rows of one block were often written together, so the sample spans many blocks. */
const sampledFrom = 20

/** Output of EXPLAIN. PostgreSQL manual, "Using EXPLAIN". */
const explained = z.tuple([z.object({ Plan: z.object({ 'Plan Rows': z.number() }) })])
