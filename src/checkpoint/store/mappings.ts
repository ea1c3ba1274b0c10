import { and, eq, inArray, isNull, or, sql } from 'drizzle-orm'
import { ConnectorError } from '../../model/failure/connector-error.ts'
import { requestWholeBackfill } from './backfill-runs.ts'
import { inTransaction, type StateDatabase } from './state-database.ts'
import { backfill, checkpoint, mapping } from './tables.ts'

/** Consequence of a change of the mapping. */
export type MappingPolicy = 'backfill' | 'wait'

/** Numbers of rows and dead letters settled by another mapping than the one in use. */
export interface OutdatedRows {
  /** Null: the rows could not be counted in time. */
  readonly rows: number | null
  readonly deadLetters: number | null
}

/** A mapping as it was in use for some time: one that comes back has another id. */
interface UsedMapping {
  readonly id: number
  readonly hash: string
}

interface MappingsInUse {
  readonly current: UsedMapping
  readonly complete: UsedMapping
}

type Database = Pick<StateDatabase, 'select' | 'insert' | 'update'>

/**
 * The mappings that were in use, one after another. Each row record notes the one that was in use when it was written, and the checkpoint
 * the last one by which the whole table was settled: by a backfill run that began and ended while it was in use. A record of that one, or
 * of an earlier one, is therefore settled by that one; a newer record is settled by its own.
 */
export class Mappings {
  readonly #db: StateDatabase
  readonly #epoch: () => number
  #outdated: OutdatedRows | null = null

  constructor(db: StateDatabase, epoch: () => number) {
    this.#db = db
    this.#epoch = epoch
  }

  /** Rows that wait for a backfill that nobody has asked for; null: none. */
  get outdated(): OutdatedRows | null {
    return this.#outdated
  }

  /**
   * Notes the mapping that is in use from now on, and requests a backfill if the policy wants one and none covers the change. Call it as
   * the only writer, before anything is sent. @returns what was settled by other mappings, if that was not said before.
   * @throws {ConnectorError} fenced
   */
  async use(hash: string, policy: MappingPolicy): Promise<OutdatedRows | null> {
    const before = await this.#inUse()
    // 1. A new store, or one of an older version: its rows are taken to be settled by this mapping.
    if (before === null) return await this.#begin(hash)
    const { current, complete } = before
    const isSame = current.hash === hash
    if (isSame && current.id === complete.id) return null
    // 2. The change was seen to before.
    if (isSame && this.#outdated !== null) return null
    if (isSame && policy === 'backfill' && (await coversChange(this.#db, current.id))) return null
    // 3. Nothing was read or sent yet, or nothing was settled by another mapping since this one was complete.
    const outdated = await this.#count(hash, complete)
    const isComplete = (await this.#isUnused()) || (complete.hash === hash && outdated.records === 0)
    await inTransaction(this.#db, async (tx) => {
      const id = isSame ? current.id : await added(tx, hash)
      await this.#note(tx, id, isComplete ? id : complete.id)
      if (!isComplete && policy === 'backfill' && !(await coversChange(tx, id)))
        await requestWholeBackfill(tx, 'mapping changed')
    })
    if (isComplete) return null
    const { rows, deadLetters } = outdated
    if (policy === 'wait') this.#outdated = { rows, deadLetters }
    return { rows, deadLetters }
  }

  /** Returns true if the mapping is the one that was noted last. */
  async isInUse(hash: string): Promise<boolean> {
    return (await this.#inUse())?.current.hash === hash
  }

  /** Looks whether what waits has been settled by a backfill. */
  async look(): Promise<void> {
    if (this.#outdated === null) return
    const found = await this.#inUse()
    if (found?.current.id === found?.complete.id) this.#outdated = null
  }

  async #begin(hash: string): Promise<null> {
    await inTransaction(this.#db, async (tx) => {
      const id = await added(tx, hash)
      await this.#note(tx, id, id)
    })
    return null
  }

  async #note(db: Database, id: number, completeMapping: number): Promise<void> {
    const noted = await db
      .update(checkpoint)
      .set({ mapping: id, completeMapping })
      .where(eq(checkpoint.epoch, this.#epoch()))
      .returning({ id: checkpoint.id })
    if (noted.length === 0) throw new ConnectorError('fenced', 'another instance has taken over')
  }

  async #inUse(): Promise<MappingsInUse | null> {
    const [noted] = await this.#db
      .select({ current: checkpoint.mapping, complete: checkpoint.completeMapping })
      .from(checkpoint)
    if (!noted || noted.current === null || noted.complete === null) return null
    const { current, complete } = noted
    const used = await this.#db
      .select({ id: mapping.id, hash: mapping.hash })
      .from(mapping)
      .where(inArray(mapping.id, [current, complete]))
    const find = (id: number) => used.find((one) => one.id === id) ?? { id, hash: '' }
    return { current: find(current), complete: find(complete) }
  }

  async #isUnused(): Promise<boolean> {
    const { rows } = await this.#db.execute<{ used: boolean }>(sql`
      select exists (select from delivery) or exists (select from backfill where started_at is not null) as used`)
    return rows[0]?.used === false
  }

  /** Counts the records that were settled by another mapping, and of these the rows that mediQuo may have. */
  async #count(hash: string, complete: UsedMapping): Promise<OutdatedRows & { readonly records: number | null }> {
    const isOutdated = sql`case when ${mapping.id} <= ${complete.id} then ${complete.hash !== hash} else ${mapping.hash} <> ${hash} end`
    const others = this.#db.select({ id: mapping.id }).from(mapping).where(isOutdated)
    const counting = this.#db.execute<{ records: string; rows: string; letters: string }>(sql`
      select count(*) as records, count(*) filter (where not removed) as rows, (select count(*) from dead_letter) as letters
      from delivery where coalesce(mapping, (select min(id) from mapping)) in (${others})`)
    // A count that takes too long must not prevent the start.
    const [found] = await counting.then(({ rows }) => rows).catch(() => [])
    if (!found) return { records: null, rows: null, deadLetters: null }
    return { records: Number(found.records), rows: Number(found.rows), deadLetters: Number(found.letters) }
  }
}

async function added(db: Database, hash: string): Promise<number> {
  const [found] = await db.insert(mapping).values({ hash }).returning({ id: mapping.id })
  if (!found) throw new Error('the mapping was not stored')
  return found.id
}

/** Returns true if a backfill run over the whole table begins, or began, while this mapping is in use. */
async function coversChange(db: Pick<StateDatabase, 'select'>, id: number): Promise<boolean> {
  const begins = or(eq(backfill.state, 'requested'), and(eq(backfill.state, 'running'), eq(backfill.mapping, id)))
  const found = await db
    .select({ id: backfill.id })
    .from(backfill)
    .where(and(begins, isNull(backfill.codes), isNull(backfill.keys)))
    .limit(1)
  return found.length > 0
}
