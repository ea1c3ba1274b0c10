import { count, desc, sql } from 'drizzle-orm'
import { type DeadLetterOverview, noDeadLetters } from '../../model/progress/dead-letter-overview.ts'
import { deadLetterReasons } from '../../model/progress/stored-row.ts'
import { listedDeadLetter } from './dead-letters.ts'
import type { StateDatabase } from './state-database.ts'
import { deadLetter } from './tables.ts'

/** Maximum number of rows that are shown one by one; `mediquo-cdc dead-letters list` shows all. */
const shown = 50

/** Dead letters for the status page, read again only if one was added, was refused again, or is gone. */
export class DeadLetterOverviews {
  readonly #db: StateDatabase
  #mark = ''
  #latest: DeadLetterOverview = noDeadLetters

  constructor(db: StateDatabase) {
    this.#db = db
  }

  async look(): Promise<DeadLetterOverview> {
    const rows = count()
    const [found] = await this.#db
      .select({ total: rows, lastAt: sql<string | null>`max(${deadLetter.lastAt})::text` })
      .from(deadLetter)
    const mark = JSON.stringify(found)
    if (mark === this.#mark) return this.#latest
    this.#latest = await this.#read(found?.total ?? 0)
    this.#mark = mark
    return this.#latest
  }

  async #read(total: number): Promise<DeadLetterOverview> {
    if (total === 0) return noDeadLetters
    const rows = count()
    const byReason = await this.#db
      .select({ reason: deadLetter.reason, rows })
      .from(deadLetter)
      .groupBy(deadLetter.reason)
      .orderBy(desc(rows))
    const newest = await this.#db
      .select()
      .from(deadLetter)
      .orderBy(desc(deadLetter.lastAt), deadLetter.sourceKey)
      .limit(shown)
    return {
      total,
      byReason: byReason.flatMap(({ reason, rows }) => {
        const known = deadLetterReasons.find((one) => one === reason)
        return known ? [{ reason: known, rows }] : []
      }),
      newest: newest.map(listedDeadLetter),
    }
  }
}
