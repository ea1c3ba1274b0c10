import { sql } from 'drizzle-orm'
import type { Xid } from '../../../model/source/visibility.ts'
import type { StateDatabase } from '../state-database.ts'

/** Maximum number of removed rows that one step looks at. */
const rowsAtOnce = 5_000

/** When the store may forget a row that is gone. */
export interface ForgetPolicy {
  /** Time for which the record is kept, milliseconds. */
  readonly keepMs: number
  /** Every transaction below is visible to every read to come. */
  readonly oldestXid: Xid
}

/**
 * Forgets rows that are gone, a part of them at a time: the record that a row was removed is needed only until no read can bring the
 * row back. The time counts from the first step that finds the row removed, by a transaction that every later read sees: the reads that are
 * open by then are over long before it ends.
 */
export class RemovedRows {
  readonly #db: StateDatabase
  readonly #epoch: () => number
  /** The last key of the step before; null: the next step begins with the first row. */
  #after: string | null = null

  constructor(db: StateDatabase, epoch: () => number) {
    this.#db = db
    this.#epoch = epoch
  }

  /** Looks at the next rows. @returns true if they were the last ones, and the number of rows forgotten. */
  async step({ keepMs, oldestXid }: ForgetPolicy): Promise<{ readonly isLast: boolean; readonly forgotten: number }> {
    // A row with another code, a dead letter or something owed still has something to be done for it.
    const isOver = sql`d.removed and d.owed is null and d.former_codes is null
      and not exists (select from dead_letter l where l.source_key = d.source_key)`
    const { rows } = await this.#db.execute<{ last: string | null; rows: string; forgotten: string }>(sql`
      with fence as (select lsn from checkpoint where run = ${this.#epoch()}),
      page as (select source_key from delivery
        where removed and source_key > ${this.#after ?? ''} order by source_key limit ${rowsAtOnce}),
      noted as (update delivery d set removed_at = clock_timestamp() from page, fence
        where d.source_key = page.source_key and d.removed_at is null and ${isOver}
          and (d.xid is null or d.xid < ${String(oldestXid)}::bigint)),
      forgotten as (delete from delivery d using page, fence
        where d.source_key = page.source_key and ${isOver} and (d.lsn is null or d.lsn <= fence.lsn)
          and d.removed_at <= clock_timestamp() - ${keepMs} * interval '1 millisecond' returning 1)
      select (select max(source_key) from page) as last, (select count(*) from page) as rows,
        (select count(*) from forgotten) as forgotten`)
    const [found] = rows
    const isLast = Number(found?.rows ?? 0) < rowsAtOnce
    this.#after = isLast ? null : (found?.last ?? null)
    return { isLast, forgotten: Number(found?.forgotten ?? 0) }
  }
}
