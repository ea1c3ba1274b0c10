import { type ClientBase, DatabaseError } from 'pg'
import { sqlstate } from '../../model/failure/sqlstate.ts'
import { causes, type PublishedTable, type RefusedWrite, serverTextOf, type WritesAnswer } from './refused-write.ts'
import { writesByCatalog } from './writes-by-catalog.ts'

export type Session = Pick<ClientBase, 'query'>

/**
 * Tables that store the rows: the table itself, its partitions and its child tables. Each has its own replica identity. The assignment
 * changes nothing; a generated column and an identity column accept only their default.
 */
const membersQuery = `
  with recursive members as (
    select c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and c.relname = $2
    union select i.inhrelid from members join pg_inherits i on i.inhparent = members.oid)
  select format('%I.%I', n.nspname, c.relname) as table, pg_is_in_recovery() as "isStandby",
    (select format(case when a.attgenerated <> '' or a.attidentity = 'a' then '%1$I = default' else '%1$I = %1$I' end, a.attname)
      from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      order by a.attgenerated <> '' or a.attidentity = 'a', has_column_privilege(c.oid, a.attnum, 'update') desc, a.attnum
      limit 1) as assignment
  from members join pg_class c using (oid) join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p') order by c.oid`

interface Member {
  readonly table: string
  readonly isStandby: string
  readonly assignment: string | null
}

interface Question {
  readonly operation: RefusedWrite['operation']
  readonly table: string
  readonly sql: string
}

/** Number of questions in one round trip. Their locks are released afterwards. */
const maxQuestions = 100

/**
 * Asks the server whether the application may update and delete rows of the table, its partitions and its child tables. EXPLAIN starts
 * the statement, as far as the check of the publication, and touches no row. Where the right to write is missing, the catalogs answer.
 * The session is in a transaction.
 */
export async function askWrites(session: Session, published: PublishedTable): Promise<WritesAnswer> {
  const { rows } = await session.query<Member>(membersQuery, [published.schema, published.table])
  // A standby refuses the lock of an UPDATE.
  if (rows.some(({ isStandby }) => isStandby === 't')) return await writesByCatalog(session, published)
  const questions = rows.flatMap(questionsAbout)
  for (let at = 0; at < questions.length; at += maxQuestions) {
    const answer = await ask(session, questions.slice(at, at + maxQuestions))
    if (answer.kind === 'unanswered' && answer.error.code === sqlstate.insufficientPrivilege)
      return await writesByCatalog(session, published)
    if (answer.kind !== 'accepted') return answer
  }
  return { kind: 'accepted' }
}

function questionsAbout({ table, assignment }: Member): Question[] {
  const asksDelete: Question = { operation: 'DELETE', table, sql: `explain delete from only ${table} where false` }
  if (assignment === null) return [asksDelete]
  const sql = `explain update only ${table} set ${assignment} where false`
  return [{ operation: 'UPDATE', table, sql }, asksDelete]
}

/** Asks all questions in one round trip, and after a refusal one by one, to find the table that refuses. */
async function ask(session: Session, questions: readonly Question[]): Promise<WritesAnswer> {
  const error = await refusalOf(session, questions.map(({ sql }) => sql).join('; '))
  if (error === null) return { kind: 'accepted' }
  const cause = causes[error.code ?? '']
  if (cause === undefined) return { kind: 'unanswered', error }
  const [question] = questions
  if (questions.length === 1 && question) {
    const { operation, table } = question
    return { kind: 'refused', write: { operation, table, cause, server: serverTextOf(error) } }
  }
  for (const one of questions) {
    const answer = await ask(session, [one])
    if (answer.kind !== 'accepted') return answer
  }
  // The refusal has been fixed in the meantime.
  return { kind: 'accepted' }
}

async function refusalOf(session: Session, sql: string): Promise<DatabaseError | null> {
  await session.query('savepoint asking')
  try {
    await session.query(sql)
    return null
  } catch (error) {
    if (error instanceof DatabaseError) return error
    throw error
  } finally {
    await session.query('rollback to savepoint asking')
  }
}
