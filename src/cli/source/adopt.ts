import { adoptSource } from '../../commands/adopt.ts'
import type { Reconciliation } from '../../startup/identity/reconcile-identity.ts'
import type { OptionsOf } from '../command-options.ts'
import { isStarted, isStateFailure } from '../connector/state.ts'
import type { CliContext } from '../context.ts'
import { hangingIndent, hangingText } from '../terminal/hanging-text.ts'
import { inspectSource } from './inspect.ts'

/** Accepts the database as it is, and prints the changes and the actions. @returns 3 if the state cannot be used. */
export async function adoptCommand(context: CliContext, options: OptionsOf<'adopt'>): Promise<number> {
  return inspectSource(context, options, ['database'], async ({ resources }) => {
    const { settings } = resources
    try {
      const done = (await isStarted(settings)) ? await adoptSource(resources) : null
      if (options.json) context.output.print(JSON.stringify({ neverStarted: done === null, done: done ?? [] }, null, 2))
      else for (const line of report(done, settings.source.slot)) context.output.print(line)
      return 0
    } catch (error) {
      if (!isStateFailure(error)) throw error
      context.output.print(said(error.message))
      return 3
    }
  })
}

function report(done: readonly Reconciliation[] | null, slot: string): string[] {
  if (done === null)
    return [said('nothing to adopt: the connector has never been started, and takes the database as it is')]
  if (done.length === 0)
    return [said('nothing to adopt: the database and the replication slot are those that the state belongs to')]
  return [
    ...done.flatMap((step) => [
      hangingText('found  ', step.found, hangingIndent),
      hangingText('done   ', deed(step, slot), hangingIndent),
    ]),
    'a connector that is blocked goes on within ten seconds; otherwise start it',
  ]
}

function said(sentence: string): string {
  return hangingText('', sentence, hangingIndent)
}

function deed({ slot: how, needsBackfill }: Reconciliation, slot: string): string {
  const kept =
    how === 'kept' ? `the replication slot ${slot} is used as it is` : `the replication slot ${slot} was recreated`
  return needsBackfill ? `${kept}, and a backfill of the whole table was asked for` : kept
}
