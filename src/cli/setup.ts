import type { Pool } from 'pg'
import { CheckFailedError } from '../connector/check-failed.ts'
import { obstacles } from '../source/finding.ts'
import { createSlot } from '../source/replication-slot.ts'
import { setupStatements } from '../source/setup-statements.ts'
import { ownSlot } from '../source/slot-requirements.ts'
import { type CliContext, textOption } from './context.ts'
import { hangingText } from './hanging-text.ts'
import { inspectSource } from './inspect.ts'

/** Prints the SQL that prepares the database; `--apply` runs what this user may run. @returns 3 if the table is missing, or the slot is another's. */
export async function setupCommand(context: CliContext, options: Record<string, unknown>): Promise<number> {
  return inspectSource(context, options, ['database'], async ({ resources, facts, wanted, findings }) => {
    if (!facts?.table) throw new CheckFailedError(obstacles(findings))
    const taken = obstacles(findings).filter(({ requirement }) => requirement === ownSlot)
    if (taken.length > 0) throw new CheckFailedError(taken)
    const { settings, sourcePool, clientConfig } = resources
    const name = textOption(options, 'role')
    const statements = setupStatements(facts, wanted, {
      stateSchema: settings.state.url === null ? settings.state.schema : null,
      role: name === undefined ? null : { name, exists: await isRole(sourcePool, name) },
    })
    if (options.json === true) context.print(JSON.stringify(statements, null, 2))
    else
      for (const { comment, sql } of statements)
        context.print(`${hangingText('-- ', comment, '-- ')}\n${hangingText('', sql, '  ')}\n`)
    if (options.apply !== true) return 0
    for (const { sql, kind } of statements) {
      if (kind === 'slot')
        await createSlot(clientConfig, { slot: wanted.slot, publicationSql: null, timeoutMs: 30_000 })
      else if (kind === 'sql') await sourcePool.query(`set lock_timeout = '5s'; ${sql}`)
    }
    return 0
  })
}

async function isRole(pool: Pool, name: string): Promise<boolean> {
  const { rows } = await pool.query('select 1 from pg_roles where rolname = $1', [name])
  return rows.length > 0
}
