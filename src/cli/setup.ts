import { CheckFailedError } from '../connector/check-failed.ts'
import { createSlot } from '../source/replication-slot.ts'
import { setupStatements } from '../source/setup-statements.ts'
import type { CliContext } from './context.ts'
import { inspectSource } from './inspect.ts'

/** Prints the SQL that prepares the database; `--apply` runs what this user may run. @returns 3 if the table is missing. */
export async function setupCommand(context: CliContext, options: Record<string, unknown>): Promise<number> {
  return inspectSource(context, options, ['database'], async ({ resources, facts, wanted, findings }) => {
    if (!facts?.table) throw new CheckFailedError(findings.filter(({ met }) => !met))
    const { settings, sourcePool, clientConfig } = resources
    const statements = setupStatements(facts, wanted, {
      stateSchema: settings.state.url === null ? settings.state.schema : null,
    })
    if (options.json === true) context.print(JSON.stringify(statements, null, 2))
    else for (const { comment, sql } of statements) context.print(`-- ${comment}\n${sql}\n`)
    if (options.apply !== true) return 0
    for (const { sql, kind } of statements) {
      if (kind === 'slot')
        await createSlot(clientConfig, { slot: wanted.slot, publicationSql: null, timeoutMs: 30_000 })
      else if (kind === 'sql') await sourcePool.query(`set lock_timeout = '5s'; ${sql}`)
    }
    return 0
  })
}
