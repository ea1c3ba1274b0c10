import { and, asc, desc, eq, inArray, isNull, ne, type SQL, sql } from 'drizzle-orm'
import { type PatientCode, patientCode } from '../../model/patient/patient.ts'
import type { Pass, PassReason } from '../../model/progress/pass.ts'
import { type RowKey, storedRowKey } from '../../model/source/row.ts'
import type { StateDatabase } from './state-database.ts'
import { backfill, delivery } from './tables.ts'

/** A transaction of the state's database, or the database itself. */
type StateTransaction = Pick<StateDatabase, 'insert' | 'update' | 'select'>

const open = ['requested', 'running'] as const

/** A pass's codes are read with it every few seconds: a large repair is several passes. */
const repairedAtOnce = 1_000

/**
 * Asks for a pass over the whole table, in the caller's transaction. What was asked for before, or is under way, is
 * contained in it and ends: rows that a pass has read already may have changed in the gap that this one is for. Only a repair
 * stays: this one believes fingerprints, that one is there because they are wrong.
 */
export async function requestWholePass(tx: StateTransaction, reason: PassReason): Promise<void> {
  await tx
    .update(backfill)
    .set({ state: 'replaced', finishedAt: sql`now()` })
    .where(and(inArray(backfill.state, [...open]), ne(backfill.reason, 'found to differ')))
  await tx.insert(backfill).values({ state: 'requested', reason })
}

/** The passes of the backfill, those to come included. `run` is the fence, as everywhere in the state. */
export class Passes {
  readonly #db: StateDatabase
  readonly #run: () => number

  constructor(db: StateDatabase, run: () => number) {
    this.#db = db
    this.#run = run
  }

  /** Asks for a pass over rows that an operator wants to see sent. @returns false if the like is waiting already. */
  async request(codes: readonly PatientCode[] | null, keys: readonly RowKey[] | null = null): Promise<boolean> {
    return await this.#request('asked for', codes, keys)
  }

  /** Asks for these rows to be sent whatever their fingerprints say. @returns false if all of it is waiting already. */
  async requestRepair(codes: readonly PatientCode[]): Promise<boolean> {
    let isNew = false
    for (let at = 0; at < codes.length; at += repairedAtOnce) {
      if (await this.#request('found to differ', codes.slice(at, at + repairedAtOnce), null)) isNew = true
    }
    return isNew
  }

  async #request(
    reason: PassReason,
    codes: readonly PatientCode[] | null,
    keys: readonly RowKey[] | null,
  ): Promise<boolean> {
    const same = and(sameList(backfill.codes, codes), sameList(backfill.keys, keys))
    const like = and(eq(backfill.state, 'requested'), eq(backfill.reason, reason), same)
    if ((await this.#db.$count(backfill, like)) > 0) return false
    await this.#db.insert(backfill).values({ state: 'requested', reason, codes, keys })
    return true
  }

  /** The pass to go on with, or to begin; the oldest first. */
  async next(): Promise<Pass | null> {
    const [found] = await this.#db
      .select()
      .from(backfill)
      .where(inArray(backfill.state, [...open]))
      .orderBy(asc(backfill.id))
      .limit(1)
    return found ? passOf(found) : null
  }

  /** The newest pass that was begun, for the status. */
  async latest(): Promise<Pass | null> {
    const [found] = await this.#db
      .select()
      .from(backfill)
      .orderBy(sql`started_at desc nulls last`, desc(backfill.id))
      .limit(1)
    return found ? passOf(found) : null
  }

  async begin(id: number, rowsEstimated: number): Promise<void> {
    await this.#db
      .update(backfill)
      .set({ state: 'running', startedAt: sql`clock_timestamp()`, beganInRun: this.#run(), rowsEstimated })
      .where(and(eq(backfill.id, id), sql`exists (select from checkpoint where run = ${this.#run()})`))
  }

  /** Rows that the state knows, in the order of their keys: all that mediQuo may have or that are owed, or those of some codes. */
  async rowsAfter(after: RowKey | null, limit: number, codes: readonly PatientCode[] | null): Promise<RowKey[]> {
    const found = await this.#db
      .select({ key: delivery.sourceKey })
      .from(delivery)
      .where(
        and(
          after === null ? undefined : sql`${delivery.sourceKey} > ${after}`,
          codes === null ? undefined : sql`${delivery.code} = any(${sql.param(codes)})`,
          sql`(not ${delivery.removed} or ${delivery.owed} is not null
            or exists (select from dead_letter d where d.source_key = ${delivery.sourceKey}))`,
        ),
      )
      .orderBy(asc(delivery.sourceKey))
      .limit(limit)
    return found.map(({ key }) => key)
  }
}

function sameList(column: typeof backfill.codes | typeof backfill.keys, list: readonly string[] | null): SQL {
  return list === null ? isNull(column) : eq(column, [...list])
}

function passOf(row: typeof backfill.$inferSelect): Pass {
  const { codes, keys, rowsEstimated } = row
  return {
    ...row,
    codes: codes?.map(patientCode) ?? null,
    keys: keys?.map(storedRowKey) ?? null,
    rowsEstimated: rowsEstimated ?? 0,
  }
}
