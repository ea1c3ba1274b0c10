import { DatabaseError, type Pool } from 'pg'
import { sqlstate } from '../../model/failure/sqlstate.ts'
import { askWrites, type Session } from './ask-writes.ts'
import type { PublishedTable, WritesAnswer } from './refused-write.ts'

/** Table to publish, and the statements that create or alter its publication. */
export interface Publishing extends PublishedTable {
  readonly statements: readonly string[]
}

/** Time to wait for a lock while the publication is altered. Writes of the application do not wait for it. */
const alterLockTimeout = '5s'
/** Time to wait for the locks of a question: nothing may queue behind a session that only asks. */
const askLockTimeout = '200ms'

/** Runs the statements if the application can still update and delete afterwards, and otherwise changes nothing. */
export async function publish(session: Session, publishing: Publishing): Promise<WritesAnswer> {
  return await tryOut(session, publishing, ({ kind }) => (kind === 'accepted' ? 'commit' : 'rollback'))
}

/** Tries out the statements in a transaction that is rolled back. Without statements it asks about the publication as it is. */
export async function rehearse(pool: Pool, publishing: Publishing): Promise<WritesAnswer> {
  return await withSession(pool, (session) => tryOut(session, publishing, () => 'rollback'))
}

/** Passes on a session of the pool, which is closed after a failure: its transaction may still be open. */
export async function withSession<T>(pool: Pool, use: (session: Session) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  try {
    const result = await use(client)
    client.release()
    return result
  } catch (error) {
    client.release(true)
    throw error
  }
}

async function tryOut(
  session: Session,
  publishing: Publishing,
  end: (answer: WritesAnswer) => 'commit' | 'rollback',
): Promise<WritesAnswer> {
  const { statements } = publishing
  await session.query(`begin ${statements.length === 0 ? 'read only' : ''}`)
  let answer: WritesAnswer | null = null
  try {
    const timeout = statements.length === 0 ? askLockTimeout : alterLockTimeout
    // Row-level security is an error in our sessions: it would hide rows from a read. A question reads none.
    await session.query(`set local lock_timeout = '${timeout}'; set local row_security = on`)
    answer = (await refusalOf(session, statements)) ?? (await askWrites(session, publishing))
    return answer
  } finally {
    await session.query(answer ? end(answer) : 'rollback')
  }
}

/** SQLSTATEs that say nothing about the statements. */
const unanswered: readonly string[] = [
  sqlstate.insufficientPrivilege,
  sqlstate.lockNotAvailable,
  sqlstate.queryCanceled,
  sqlstate.readOnlySqlTransaction,
]

async function refusalOf(session: Session, statements: readonly string[]): Promise<WritesAnswer | null> {
  try {
    for (const statement of statements) await session.query(statement)
    return null
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error
    return { kind: unanswered.includes(error.code ?? '') ? 'unanswered' : 'not publishable', error }
  }
}
