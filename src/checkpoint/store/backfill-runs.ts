import { and, asc, desc, eq, inArray, isNull, type SQL, sql } from 'drizzle-orm'
import { type PatientCode, patientCode } from '../../model/patient/patient.ts'
import type { BackfillRun, BackfillRunReason } from '../../model/progress/backfill-run.ts'
import { type RowKey, storedRowKey } from '../../model/source/row.ts'
import { keyOf, storedKey } from './record/stored-key.ts'
import type { StateDatabase } from './state-database.ts'
import { backfill, delivery } from './tables.ts'

/** A transaction of the store's database, or the database itself. */
type StateTransaction = Pick<StateDatabase, 'insert' | 'update' | 'select'>

const open = ['requested', 'running'] as const

/** Maximum number of codes of one repair: a run's codes are read with it every few seconds, so that a large repair is several runs. */
const repairedAtOnce = 1_000

/**
 * Requests a backfill run over the whole table, in the caller's transaction. It ends earlier ones over the whole table: rows that they
 * have read already may have changed in the gap that this run is for. Runs over single rows stay, because this run does less for
 * those rows: it trusts fingerprints, which a repair must not, and if it finds the table empty it leaves alone the rows that are gone.
 */
export async function requestWholeBackfill(tx: StateTransaction, reason: BackfillRunReason): Promise<void> {
  await end(tx, and(isNull(backfill.codes), isNull(backfill.keys)))
  await tx.insert(backfill).values({ state: 'requested', reason })
}

/**
 * Requests a backfill run over the whole table, and ends all earlier ones, in the caller's transaction: the rows have other keys or are
 * of another database, so that the keys and positions of earlier runs mean nothing. What mediQuo accepted is unknown by then.
 */
export async function requestOnlyBackfill(tx: StateTransaction, reason: BackfillRunReason): Promise<void> {
  await end(tx, undefined)
  await tx.insert(backfill).values({ state: 'requested', reason })
}

async function end(tx: StateTransaction, which: SQL | undefined): Promise<void> {
  await tx
    .update(backfill)
    .set({ state: 'replaced', finishedAt: sql`now()` })
    .where(and(inArray(backfill.state, [...open]), which))
}

/** The backfill runs, including those to come. `epoch` is the fence, as everywhere in the store. */
export class BackfillRuns {
  readonly #db: StateDatabase
  readonly #epoch: () => number

  constructor(db: StateDatabase, epoch: () => number) {
    this.#db = db
    this.#epoch = epoch
  }

  /** Requests a backfill run for rows that an operator wants to be sent. @returns false if an equal one is waiting already. */
  async request(codes: readonly PatientCode[] | null, keys: readonly RowKey[] | null = null): Promise<boolean> {
    return await this.#request('asked for', codes, keys)
  }

  /** Requests that these rows are sent whatever their fingerprints say. @returns false if all of it is waiting already. */
  async requestRepair(codes: readonly PatientCode[]): Promise<boolean> {
    let isNew = false
    for (let at = 0; at < codes.length; at += repairedAtOnce) {
      if (await this.#request('found to differ', codes.slice(at, at + repairedAtOnce), null)) isNew = true
    }
    return isNew
  }

  async #request(
    reason: BackfillRunReason,
    codes: readonly PatientCode[] | null,
    keys: readonly RowKey[] | null,
  ): Promise<boolean> {
    const same = and(sameList(backfill.codes, codes), sameList(backfill.keys, keys))
    const like = and(eq(backfill.state, 'requested'), eq(backfill.reason, reason), same)
    if ((await this.#db.$count(backfill, like)) > 0) return false
    await this.#db.insert(backfill).values({ state: 'requested', reason, codes, keys })
    return true
  }

  /** Returns the run to continue or to start, the oldest first. @param postponed reasons whose runs over the whole table are left out. */
  async next(postponed: readonly BackfillRunReason[] = []): Promise<BackfillRun | null> {
    const [found] = await this.#db
      .select()
      .from(backfill)
      .where(
        and(
          inArray(backfill.state, [...open]),
          sql`(codes is not null or keys is not null or reason <> all(${sql.param(postponed)}))`,
        ),
      )
      .orderBy(asc(backfill.id))
      .limit(1)
    return found ? backfillRunOf(found) : null
  }

  /** Returns the run that was started last, for the status. */
  async latest(): Promise<BackfillRun | null> {
    const [found] = await this.#db
      .select()
      .from(backfill)
      .orderBy(sql`started_at desc nulls last`, desc(backfill.id))
      .limit(1)
    return found ? backfillRunOf(found) : null
  }

  async begin(id: number, rowsEstimated: number): Promise<void> {
    await this.#db
      .update(backfill)
      .set({
        state: 'running',
        startedAt: sql`clock_timestamp()`,
        beganInRun: this.#epoch(),
        rowsEstimated,
        mapping: sql`(select mapping from checkpoint)`,
      })
      .where(and(eq(backfill.id, id), sql`exists (select from checkpoint where run = ${this.#epoch()})`))
  }

  /**
   * Returns rows that the store knows, in the order of their keys: those that mediQuo may have or that are owed, or those of some
   * codes.
   */
  async rowsAfter(after: RowKey | null, limit: number, codes: readonly PatientCode[] | null): Promise<RowKey[]> {
    const found = await this.#db
      .select({ sourceKey: delivery.sourceKey, fullKey: delivery.fullKey })
      .from(delivery)
      .where(
        and(
          after === null ? undefined : sql`${delivery.sourceKey} > ${storedKey(after)}`,
          codes === null ? undefined : sql`${delivery.code} = any(${sql.param(codes)})`,
          sql`(not ${delivery.removed} or ${delivery.owed} is not null
            or exists (select from dead_letter d where d.source_key = ${delivery.sourceKey}))`,
        ),
      )
      .orderBy(asc(delivery.sourceKey))
      .limit(limit)
    return found.map(keyOf)
  }
}

function sameList(column: typeof backfill.codes | typeof backfill.keys, list: readonly string[] | null): SQL {
  return list === null ? isNull(column) : eq(column, [...list])
}

function backfillRunOf(row: typeof backfill.$inferSelect): BackfillRun {
  const { codes, keys, rowsEstimated } = row
  return {
    ...row,
    codes: codes?.map(patientCode) ?? null,
    keys: keys?.map(storedRowKey) ?? null,
    rowsEstimated: rowsEstimated ?? 0,
  }
}
