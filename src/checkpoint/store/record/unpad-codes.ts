import { type SQL, sql } from 'drizzle-orm'
import type { OwnWrites } from '../../writer.ts'
import type { StateDatabase } from '../state-database.ts'

/** Maximum number of row records that one statement looks at. */
const rowsAtOnce = 5_000

/**
 * Takes the padding of character(n) off the codes of all row records and dead letters: an earlier version sent it, and mediQuo trims it. With
 * the padding, each code would count as a former one and be unsubscribed, and with it the patient. Fingerprints stay, and match nothing.
 * @returns the number of row records changed.
 */
export async function unpadCodes(db: StateDatabase, own: Pick<OwnWrites, 'epoch' | 'writer'>): Promise<number> {
  const isWriter = sql`exists (select from checkpoint where run = ${own.epoch} and writer = ${own.writer}::uuid)`
  let changed = 0
  for (let after: string | null = ''; after !== null; ) {
    const page: Page = await unpadPage(db, after, isWriter)
    changed += page.changed
    after = page.last
  }
  await db.execute(sql`update dead_letter set code = rtrim(code, ' ') where code like '% ' and ${isWriter}`)
  return changed
}

/** A statement's part of the row records. `last`: its last key; null: there are no more. */
interface Page {
  readonly changed: number
  readonly last: string | null
}

async function unpadPage(db: StateDatabase, after: string, isWriter: SQL): Promise<Page> {
  const { rows } = await db.execute<{ last: string | null; looked: string; changed: string }>(sql`
    with page as (select source_key from delivery where source_key > ${after} order by source_key limit ${rowsAtOnce}),
    changed as (update delivery d set code = rtrim(d.code, ' '), next_code = rtrim(d.next_code, ' '), former_codes = (
        select array_agg(distinct rtrim(former, ' ')) from unnest(d.former_codes) former
        where d.removed or rtrim(former, ' ') is distinct from rtrim(d.code, ' ')), unaccepted_codes = null
      from page where d.source_key = page.source_key and ${isWriter} and (d.code like '% ' or d.next_code like '% '
        or exists (select from unnest(d.former_codes) former where former like '% ')) returning 1)
    select (select max(source_key) from page) as last, (select count(*) from page) as looked,
      (select count(*) from changed) as changed`)
  const [page] = rows
  const isLast = Number(page?.looked ?? 0) < rowsAtOnce
  return { changed: Number(page?.changed ?? 0), last: isLast ? null : (page?.last ?? null) }
}
