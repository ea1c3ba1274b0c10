import { randomBytes, randomUUID } from 'node:crypto'
import { and, eq, exists, ne, sql } from 'drizzle-orm'
import { alias } from 'drizzle-orm/pg-core'
import { ConnectorError } from '../../model/failure/connector-error.ts'
import { type PatientCode, patientCode } from '../../model/patient/patient.ts'
import type { BackfillRunReason } from '../../model/progress/backfill-run.ts'
import type { StoredRow } from '../../model/progress/stored-row.ts'
import type { Lsn } from '../../model/source/lsn.ts'
import type { Position } from '../../model/source/position.ts'
import { type RowKey, storedRowKey } from '../../model/source/row.ts'
import type { TableSchema } from '../../model/source/table-schema.ts'
import type { Xid } from '../../model/source/visibility.ts'
import { type Standing, standingSince, type WriterStamp, Writership } from '../writer.ts'
import { BackfillRuns, requestWholeBackfill } from './backfill-runs.ts'
import { DeadLetterOverviews } from './dead-letter-overview.ts'
import { type StoreServer, storeIdentity } from './identity/store-identity.ts'
import { Mappings } from './mappings.ts'
import { loadCheckpoint } from './record/load-checkpoint.ts'
import { isWithoutTables } from './record/missing-tables.ts'
import { countOwedRows, listOwedRows, type OwedQuestion, type OwedRows } from './record/owed-rows.ts'
import { RemovedRows } from './record/removed-rows.ts'
import { keyColumn, keyOf, storedKey } from './record/stored-key.ts'
import { unpadCodes } from './record/unpad-codes.ts'
import { forgetStatement, recordStatement, type Settlement } from './record-statement.ts'
import { type RecentRequests, storedRow } from './rows.ts'
import { executePrepared, statementName } from './session/prepared.ts'
import { SharedCodes } from './shared-codes.ts'
import { inTransaction, type StateDatabase } from './state-database.ts'
import { checkpoint, deadLetter, delivery } from './tables.ts'

/** Slot, publication, table and server that a checkpoint belongs to. */
export interface SourceIdentity {
  readonly slot: string
  readonly publication: string
  readonly sourceTable: string
  readonly systemIdentifier: string
  readonly timeline: number
  /** OID of the database; null if the checkpoint is of a version that did not store it. */
  readonly databaseOid: string | null
}

export interface Checkpoint extends SourceIdentity, WriterStamp {
  readonly lsn: Lsn
  /** Rule 9's H: nothing newer was sent by an earlier run. */
  readonly horizon: Position | null
  /** The read position R: the largest end position of a table read of which something was sent or settled; null: none. */
  readonly readLsn: Lsn | null
  readonly slotGapXid: Xid | null
  readonly fingerprintSalt: Buffer
  /** Hash of the first mapping that was in use, which is part of every fingerprint; null before it is noted. */
  readonly firstMapping: string | null
  readonly recentRequests: RecentRequests
  /** Table schema when the table was last prepared; null if not known yet. */
  readonly sourceTableSchema: TableSchema | null
  /** Age by the clock of the store's server. */
  readonly ageMs: number
  /** Tables that the checkpoint was written to; null if the checkpoint is of a version that did not store it. */
  readonly storeIdentity: string | null
  readonly storeServer: StoreServer
  /** True if the store's tables are not those that were written: they were restored from a dump, or copied. */
  readonly isRestored: boolean
}

/** The checkpoint after a take-over. */
export interface TakenOver extends Checkpoint {
  /** Rule 15: time for which requests of another process may still be out, milliseconds. */
  readonly othersLeaseMs: number
}

/** Approximate number of blocks of 8 KiB, with some hundred rows each, from which rows are drawn. */
const sampledBlocks = 32

/**
 * The store's tables. Every write is one small transaction, which fails after another instance has taken over, and after the store went
 * back. What this process knows of its own writes outlives a pipeline.
 */
export class Store {
  readonly #db: StateDatabase
  readonly #writership = new Writership()
  readonly #recordsQuery: ReturnType<typeof recordsQuery>

  /** The backfill runs. */
  readonly backfillRuns: BackfillRuns
  readonly sharedCodes: SharedCodes
  readonly deadLetters: DeadLetterOverviews
  readonly mappings: Mappings
  readonly removedRows: RemovedRows

  constructor(db: StateDatabase) {
    this.#db = db
    this.#recordsQuery = recordsQuery(db)
    this.backfillRuns = new BackfillRuns(db, () => this.#writership.epoch)
    this.sharedCodes = new SharedCodes(db)
    this.deadLetters = new DeadLetterOverviews(db)
    this.mappings = new Mappings(db, () => this.#writership.epoch)
    this.removedRows = new RemovedRows(db, () => this.#writership.epoch)
  }

  async load(): Promise<Checkpoint | null> {
    return await loadCheckpoint(this.#db)
  }

  /** Returns true if this process wrote something that the store lacks. @param found the checkpoint as loaded; null: none. */
  wentBack(found: WriterStamp | null): boolean {
    return this.#writership.isLacking(found)
  }
  /** Rule 14a: returns true if the store has every write of this process, and nobody else has written since. */
  hasEveryWrite(found: WriterStamp): boolean {
    return this.#writership.hasEveryWrite(found)
  }
  /** Forgets the writes of this process, once the store is known to lack them. */
  forgetOwnWrites(): void {
    this.#writership.forget()
  }

  /**
   * Writes the first checkpoint, at the start of a slot, and requests a backfill if there is a reason for one. @param readLsn R: the end of
   * the WAL if something of the slot may have been sent before, null if the slot is new.
   */
  async begin(
    identity: SourceIdentity,
    { lsn, readLsn = null, slotGapXid }: Pick<Checkpoint, 'lsn' | 'slotGapXid'> & { readonly readLsn?: Lsn | null },
    backfillRunReason: BackfillRunReason | null,
  ): Promise<void> {
    await inTransaction(this.#db, async (tx) => {
      const begun = await tx
        .insert(checkpoint)
        .values({ ...identity, storeIdentity, lsn, readLsn, slotGapXid, fingerprintSalt: randomBytes(16) })
        .onConflictDoNothing()
        .returning({ id: checkpoint.id })
      if (begun.length > 0 && backfillRunReason !== null) await requestWholeBackfill(tx, backfillRunReason)
    })
  }

  /**
   * Becomes the only writer. Call it while holding the slot. @param expected the checkpoint with which a pipeline began: nobody may have
   * written since. Null: this process is the writer already, and nobody may have taken over since. @returns the checkpoint under the new
   * epoch. @throws {ConnectorError} fenced, or store went back; then this process can write no more than before.
   */
  async takeOver(expected: WriterStamp | null): Promise<TakenOver> {
    const writer = randomUUID()
    this.#writership.beginTakeOver(writer)
    const taken = await inTransaction(this.#db, async (tx) => {
      const found = await loadCheckpoint(tx, { locks: true })
      const standing = expected ? standingSince(expected, found) : this.#writership.standing(found)
      if (found === null || standing !== 'current') throw refusalOf(standing)
      const { epoch, writes, leasedBy, leasedMs } = found
      const stamp = {
        epoch: epoch + 1,
        writer,
        writes: writes + 1,
        previousWriter: found.writer,
        previousWrites: writes,
      }
      await tx.update(checkpoint).set(stamp)
      return { ...found, ...stamp, othersLeaseMs: this.#writership.isOwn(leasedBy) ? 0 : leasedMs }
    })
    this.#writership.tookOver(taken)
    return taken
  }

  /** Returns row records. If two rows have one code it is not known whose patient the API has: neither has a fingerprint then. */
  async lookUp(keys: readonly RowKey[]): Promise<Map<RowKey, StoredRow>> {
    const { rows, shared } = await this.loadRecords(keys)
    return new Map([...rows].map(([key, row]) => [key, shared.has(key) ? { ...row, fingerprint: null } : row]))
  }

  /** Returns the row records as stored, and the keys of those that share their code with another row. */
  async loadRecords(
    keys: readonly RowKey[],
  ): Promise<{ readonly rows: Map<RowKey, StoredRow>; readonly shared: Set<RowKey> }> {
    const rows = await this.#recordsQuery.execute({ keys: keys.map(storedKey) })
    return {
      rows: new Map(rows.map(({ row, letter, soughtForMs }) => [keyOf(row), storedRow(row, letter, soughtForMs)])),
      shared: new Set(rows.flatMap(({ row, isShared }) => (isShared ? [keyOf(row)] : []))),
    }
  }

  /** Returns random keys of rows that the API has accepted, from some blocks of the table: the cost does not grow with the table. */
  async sampleDelivered(limit: number): Promise<RowKey[]> {
    const { rows } = await this.#db.execute<{ key: string }>(sql`
      select ${keyColumn} as key
      from ${delivery} tablesample system
        (least(100, 100.0 * ${sampledBlocks}::int * 8192 / greatest(8192, pg_relation_size('delivery')))::real)
      where ${delivery.fingerprint} is not null order by random() limit ${limit}`)
    return rows.map(({ key }) => storedRowKey(key))
  }

  /** Returns rows that are owed, and due. */
  async owedRows(question: OwedQuestion): Promise<OwedRows> {
    return await listOwedRows(this.#db, question)
  }

  /**
   * Returns for each code the rows that have it, will have it once they are read, or are owed and had it. Unsubscribing it would
   * unsubscribe the patient of the first two; the third unsubscribe it themselves once the stream shows who has it.
   */
  async holdersOf(codes: readonly PatientCode[]): Promise<Map<PatientCode, RowKey[]>> {
    const { rows } = await this.#db.execute<{ code: string; key: string }>(sql`
      select code, ${keyColumn} as key from ${delivery} where code = any(${sql.param(codes)}) and not removed
      union
      select next_code, ${keyColumn} from ${delivery} where next_code is not null and next_code = any(${sql.param(codes)})
      union
      select former, ${keyColumn} from ${delivery}, unnest(former_codes) as former
      where owed is not null and former_codes && ${sql.param(codes)}::text[] and former = any(${sql.param(codes)})`)
    const holders = new Map(codes.map((code) => [code, [] as RowKey[]]))
    for (const { code, key } of rows) holders.get(patientCode(code))?.push(storedRowKey(key))
    return holders
  }

  /**
   * Stores settled rows, rows that are about to be sent, and the checkpoint in one transaction.
   * @returns other rows that became owed (rule 12a). @throws {ConnectorError} fenced, or store went back
   */
  async record(settlement: Settlement): Promise<readonly RowKey[]> {
    const own = this.#writership.beginWrite()
    const [written] = await executePrepared<{ owed: string[] }>(this.#db, recordStatement(own, settlement)).catch(
      (error: unknown) => {
        throw isWithoutTables(error) ? refusalOf('went back') : error
      },
    )
    if (!written) throw refusalOf(this.#writership.standing(await this.load()))
    this.#writership.wrote(own)
    this.sharedCodes.recorded(settlement.rows)
    return written.owed.map(storedRowKey)
  }

  /**
   * Forgets records of rows that are gone, if every transaction that changed them lies before `beforeXid` and nothing of a patient is
   * to be kept: another row has the code, or none. @returns the last key; null if there are no more.
   */
  async forgetRemoved({
    beforeXid,
    after,
    limit,
  }: {
    readonly beforeXid: Xid
    readonly after: RowKey | null
    readonly limit: number
  }): Promise<RowKey | null> {
    const { rows } = await this.#db.execute<{ key: string }>(
      forgetStatement(this.#writership.own, { beforeXid, after, limit }),
    )
    const last = rows.at(-1)
    return last && rows.length === limit ? storedRowKey(last.key) : null
  }

  /** Takes the padding of character(n) off all codes, if nobody has taken over. @returns the number of row records changed. */
  async unpadCodes(): Promise<number> {
    return await unpadCodes(this.#db, this.#writership.own)
  }

  /** Stores the table schema, if nobody has taken over. */
  async noteTableSchema(tableSchema: TableSchema): Promise<void> {
    await this.#db
      .update(checkpoint)
      .set({ sourceTableSchema: tableSchema })
      .where(eq(checkpoint.epoch, this.#writership.epoch))
  }

  /** Closes the slot gap: table reads may begin. */
  async closeSlotGap(): Promise<void> {
    await this.#db.update(checkpoint).set({ slotGapXid: null }).where(eq(checkpoint.epoch, this.#writership.epoch))
  }

  /** Returns the number of rows that are owed, up to a limit. */
  async countOwed(): Promise<number> {
    return await countOwedRows(this.#db)
  }

  async countDeadLetters(): Promise<number> {
    return this.#db.$count(deadLetter)
  }
}

/** Returns the query for row records, parsed once in each session. */
function recordsQuery(db: StateDatabase) {
  const other = alias(delivery, 'other')
  const sharing = db
    .select({ key: other.sourceKey })
    .from(other)
    .where(and(eq(other.code, delivery.code), ne(other.sourceKey, delivery.sourceKey), eq(other.removed, false)))
  const soughtForMs = sql<
    number | null
  >`(extract(epoch from clock_timestamp() - ${delivery.soughtSince}) * 1000)::float8`
  const query = db
    .select({ row: delivery, letter: deadLetter, isShared: sql<boolean>`${exists(sharing)}`, soughtForMs })
    .from(delivery)
    .leftJoin(deadLetter, eq(deadLetter.sourceKey, delivery.sourceKey))
    .where(sql`${delivery.sourceKey} = any(${sql.placeholder('keys')})`)
  return query.prepare(statementName(query.toSQL().sql))
}

function refusalOf(standing: Standing): ConnectorError {
  return standing === 'went back'
    ? new ConnectorError('store went back', 'the checkpoint store lacks what was written to it last')
    : new ConnectorError('fenced', 'another instance has taken over')
}
