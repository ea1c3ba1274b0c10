import type { Pool } from 'pg'
import { obstacles } from '../../source/requirements/finding.ts'
import { filterReadsIdentity } from '../../source/requirements/row-filter-requirements.ts'
import { identityStatements, type SetupStatement, setupStatements } from '../../source/requirements/setup-statements.ts'
import { ownSlot } from '../../source/requirements/slot-requirements.ts'
import { createSlot } from '../../source/slot/replication-slot.ts'
import type { SourceFacts } from '../../source/source-facts.ts'
import type { Wanted } from '../../source/wanted.ts'
import { publish, rehearse, withSession } from '../../source/writes/publish.ts'
import { requireAccepted } from '../../source/writes/refused-write.ts'
import { checkFailed } from '../../startup/requirements/check-failed.ts'
import { findingOf, publishingOf } from '../../startup/requirements/check-writes.ts'
import type { OptionsOf } from '../command-options.ts'
import type { CliContext } from '../context.ts'
import { hangingText } from '../terminal/hanging-text.ts'
import { inspectSource } from './inspect.ts'

/** Requirements that `setup` cannot fix and whose statements would do harm. */
const refusals: readonly string[] = [ownSlot, filterReadsIdentity]

/**
 * Prints the SQL that prepares the database; `--apply` runs it.
 * @returns 3 if something must be done by hand first: then it runs nothing.
 * @throws {ConnectorError} if the table is missing, the slot is another's, or the application could not update and delete any more.
 */
export async function setupCommand(context: CliContext, options: OptionsOf<'setup'>): Promise<number> {
  return inspectSource(context, options, ['database'], async ({ resources, facts, wanted, findings }) => {
    if (!facts?.table) throw checkFailed(obstacles(findings))
    const refused = obstacles(findings).filter(({ requirement }) => refusals.includes(requirement))
    if (refused.length > 0) throw checkFailed(refused)
    const { settings, source } = resources
    await rehearseStatements(source.pool, facts, wanted)
    const name = options.role
    const statements = setupStatements(facts, wanted, {
      stateSchema: settings.state.url === null ? settings.state.schema : null,
      role: name === undefined ? null : { name, exists: await isRole(source.pool, name) },
    })
    const say = (line: string) => {
      if (!options.json) context.output.print(line)
    }
    if (options.json) context.output.print(JSON.stringify(statements, null, 2))
    for (const statement of statements) say(written(statement))
    if (!options.apply) return 0
    if (statements.some(({ kind }) => kind === 'by hand')) {
      say('nothing was run: do first what is to be done by hand, then run this again')
      return 3
    }
    const sql = statements.filter(({ kind }) => kind === 'sql').map((statement) => statement.sql)
    const publishing = { ...publishingOf(facts, wanted), statements: sql }
    requireAccepted(await withSession(source.pool, (session) => publish(session, publishing)))
    if (statements.some(({ kind }) => kind === 'slot'))
      await createSlot(source.clientConfig, { slot: wanted.slot, publishing: null, timeoutMs: 30_000 })
    say('all of this was run; "mediquo-cdc check" says what is still in the way')
    return 0
  })
}

/** Requires that the application can update and delete after the statements, as far as the user may try them out. @throws {ConnectorError} */
async function rehearseStatements(pool: Pool, facts: SourceFacts, wanted: Wanted): Promise<void> {
  const identifying = identityStatements(facts, wanted)
  if (identifying.some(({ kind }) => kind === 'by hand')) return
  const publishing = publishingOf(facts, wanted)
  const statements = [...identifying.map(({ sql }) => sql), ...publishing.statements]
  const refused = obstacles([findingOf(await rehearse(pool, { ...publishing, statements }), wanted)])
  if (refused.length > 0) throw checkFailed(refused)
}

function written({ kind, comment, sql }: SetupStatement): string {
  const what = kind === 'by hand' ? `by hand: ${comment}` : comment
  return `${hangingText('-- ', what, '-- ')}\n${hangingText('', sql, '  ')}\n`
}

async function isRole(pool: Pool, name: string): Promise<boolean> {
  const { rows } = await pool.query('select 1 from pg_roles where rolname = $1', [name])
  return rows.length > 0
}
