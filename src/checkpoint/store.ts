import { randomBytes } from 'node:crypto'
import { and, eq, ne, sql } from 'drizzle-orm'
import type { Lsn } from '../model/lsn.ts'
import type { PatientCode } from '../model/patient.ts'
import type { Position } from '../model/position.ts'
import type { RowKey } from '../model/row.ts'
import type { StoredRow } from '../model/stored-row.ts'
import { type Xid, xid } from '../model/visibility.ts'
import { deadLetterRow, deliveryRows, type RecentRequests, storedRow } from './rows.ts'
import type { StateDatabase } from './state-database.ts'
import { checkpoint, deadLetter, delivery } from './tables.ts'

/** Which slot, publication, table and server a checkpoint belongs to. */
export interface SourceIdentity {
  readonly slot: string
  readonly publication: string
  readonly sourceTable: string
  readonly systemIdentifier: string
  readonly timeline: number
}

export interface Checkpoint extends SourceIdentity {
  readonly lsn: Lsn
  /** MERGE rule 9's H: nothing newer was sent by an earlier run. */
  readonly horizon: Position | null
  readonly run: number
  readonly slotGapXid: Xid | null
  readonly fingerprintSalt: Buffer
  readonly recentRequests: RecentRequests
  /** By the state server's clock. */
  readonly ageMs: number
}

/** Another instance has taken over: this one may neither write nor send. */
export class FencedError extends Error {
  override readonly name = 'FencedError'
}

/** The state's tables. Every write is one small transaction that another instance's take-over makes fail. */
export class Store {
  readonly #db: StateDatabase
  #run = 0

  constructor(db: StateDatabase) {
    this.#db = db
  }

  async load(): Promise<Checkpoint | null> {
    const age = sql<number>`(extract(epoch from clock_timestamp() - ${checkpoint.updatedAt}) * 1000)::float8`
    const [found] = await this.#db.select({ row: checkpoint, ageMs: age }).from(checkpoint)
    if (!found) return null
    const { row } = found
    return {
      ...row,
      horizon: row.horizonLsn === null ? null : { commitLsn: row.horizonLsn, ordinal: row.horizonOrdinal ?? 0 },
      slotGapXid: row.slotGapXid === null ? null : xid(row.slotGapXid),
      recentRequests: row.recentRequests as RecentRequests,
      ageMs: found.ageMs,
    }
  }

  /** Writes the first checkpoint: where a slot made for us begins. */
  async begin(identity: SourceIdentity, lsn: Lsn, slotGapXid: Xid | null): Promise<void> {
    await this.#db
      .insert(checkpoint)
      .values({ ...identity, lsn, slotGapXid, fingerprintSalt: randomBytes(16) })
      .onConflictDoNothing()
  }

  /** Becomes the only writer. Call it while holding the slot. @returns the state as it stands under the new run. */
  async takeOver(): Promise<Checkpoint> {
    const [taken] = await this.#db
      .update(checkpoint)
      .set({ run: sql`${checkpoint.run} + 1` })
      .returning({ run: checkpoint.run })
    const loaded = await this.load()
    if (!taken || !loaded) throw new Error('there is no checkpoint to take over')
    this.#run = taken.run
    return loaded
  }

  async lookUp(keys: readonly RowKey[]): Promise<Map<RowKey, StoredRow>> {
    const rows = await this.#db
      .select({ row: delivery, letter: deadLetter })
      .from(delivery)
      .leftJoin(deadLetter, eq(deadLetter.sourceKey, delivery.sourceKey))
      .where(sql`${delivery.sourceKey} = any(${sql.param(keys)})`)
    return new Map(rows.map(({ row, letter }) => [row.sourceKey, storedRow(row, letter)]))
  }

  /** Other rows that have this code as far as the state knows: ending the code would end their patient. */
  async holdersOf(code: PatientCode, exceptKey: RowKey): Promise<RowKey[]> {
    const found = await this.#db
      .select({ key: delivery.sourceKey })
      .from(delivery)
      .where(and(eq(delivery.code, code), ne(delivery.sourceKey, exceptKey), eq(delivery.removed, false)))
    return found.map(({ key }) => key)
  }

  /** Deliveries, dead letters and the checkpoint, in one transaction. @throws {FencedError} */
  async record(options: {
    readonly rows: readonly StoredRow[]
    readonly checkpointLsn: Lsn
    readonly recentRequests: RecentRequests
  }): Promise<void> {
    const { rows, checkpointLsn, recentRequests } = options
    await this.#db.transaction(async (tx) => {
      const written = await tx
        .update(checkpoint)
        .set({ lsn: checkpointLsn, recentRequests, updatedAt: sql`clock_timestamp()` })
        .where(eq(checkpoint.run, this.#run))
        .returning({ id: checkpoint.id })
      if (written.length === 0) throw new FencedError('another instance has taken over')
      for (let from = 0; from < rows.length; from += 1000) {
        await tx
          .insert(delivery)
          .select(deliveryRows(rows.slice(from, from + 1000)))
          .onConflictDoUpdate({
            target: delivery.sourceKey,
            set: {
              code: sql`excluded.code`,
              fingerprint: sql`excluded.fingerprint`,
              removed: sql`excluded.removed`,
              lsn: sql`excluded.lsn`,
              ordinal: sql`excluded.ordinal`,
              xid: sql`excluded.xid`,
            },
          })
      }
      const released = rows.filter((row) => row.deadLetter === null).map((row) => row.key)
      if (released.length > 0)
        await tx.delete(deadLetter).where(sql`${deadLetter.sourceKey} = any(${sql.param(released)})`)
      const letters = rows.flatMap((row) => deadLetterRow(row) ?? [])
      for (let from = 0; from < letters.length; from += 1000) {
        await tx
          .insert(deadLetter)
          .values(letters.slice(from, from + 1000))
          .onConflictDoUpdate({
            target: deadLetter.sourceKey,
            set: {
              code: sql`excluded.code`,
              reason: sql`excluded.reason`,
              attributes: sql`excluded.attributes`,
              status: sql`excluded.status`,
              attempts: sql`${deadLetter.attempts} + 1`,
              lastAt: sql`now()`,
            },
          })
      }
    })
  }

  /** MERGE rule 9: H, durably, before a request leaves that carries anything up to `position`. @throws {FencedError} */
  async raiseHorizon(position: Position, recentRequests: RecentRequests): Promise<void> {
    const written = await this.#db
      .update(checkpoint)
      .set({
        horizonLsn: position.commitLsn,
        horizonOrdinal: position.ordinal,
        recentRequests,
        updatedAt: sql`clock_timestamp()`,
      })
      .where(eq(checkpoint.run, this.#run))
      .returning({ id: checkpoint.id })
    if (written.length === 0) throw new FencedError('another instance has taken over')
  }

  /** The slot gap is closed: table reads may begin. */
  async closeSlotGap(): Promise<void> {
    await this.#db.update(checkpoint).set({ slotGapXid: null }).where(eq(checkpoint.run, this.#run))
  }

  async countDeadLetters(): Promise<number> {
    return this.#db.$count(deadLetter)
  }
}
