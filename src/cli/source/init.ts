import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { openProposals, type Proposal } from '../../commands/proposal.ts'
import { configYaml } from '../../config/documentation/example.ts'
import { loadSettings } from '../../config/load.ts'
import { parseTableName, type TableName, writeTableName } from '../../config/value/table-name.ts'
import { ProblemsError } from '../../model/failure/connector-error.ts'
import { notMappedMeans } from '../../startup/requirements/check-patients.ts'
import { defaultOutput, type OptionsOf } from '../command-options.ts'
import type { CliContext } from '../context.ts'
import { hangingIndent, hangingText } from '../terminal/hanging-text.ts'

/** Minimum likeness of a patient table: fewer known columns point to a table of something else. */
const minLikeness = 2

/** Proposes a configuration for a database and writes it. @returns 3 if there is no table, or if the mapping lacks something. */
export async function initCommand(context: CliContext, options: OptionsOf<'init'>): Promise<number> {
  const { env, cwd, dialog } = context
  const { print } = context.output
  const { output } = options
  const file = resolve(cwd, output)
  if (existsSync(file) && !options.force)
    throw new ProblemsError('configuration invalid', [
      `${output} is there already: --force replaces it, --output writes another`,
    ])
  const url = options.url ?? env.DATABASE_URL ?? (await dialog?.askText('Where is the database? (postgres://…)'))
  // Ignore an existing configuration file: the proposal must not depend on it.
  const settings = loadSettings({
    env: { ...env, ...(url && { DATABASE_URL: url }), MEDIQUO_CDC_CONFIG: undefined },
    cwd: dirname(file),
    needs: ['database'],
  })
  const proposals = openProposals(settings, env.PGOPTIONS ?? '')
  try {
    const table = await chooseTable(context, options, proposals)
    if (typeof table === 'string') {
      print(table)
      return 3
    }
    const proposal = await proposals.propose(table)
    if (!proposal) {
      print(`there is no table ${writeTableName(table)}`)
      return 3
    }
    if (!options.json) for (const line of described(proposal)) print(line)
    const isWritten = dialog === null || options.yes || (await dialog.confirm(`Write ${output}?`))
    if (isWritten) write(file, proposal)
    if (options.json) print(JSON.stringify({ ...proposal, file: isWritten ? output : null }, null, 2))
    else if (isWritten) for (const line of nextSteps(output, proposal)) print(line)
    return proposal.problems.length > 0 ? 3 : 0
  } finally {
    await proposals.close()
  }
}

type Tables = ReturnType<typeof openProposals>

/** Returns the table, or the reason why there is none. */
async function chooseTable(
  { dialog }: CliContext,
  options: OptionsOf<'init'>,
  proposals: Tables,
): Promise<TableName | string> {
  const named = options.table
  if (named !== undefined) {
    const name = parseTableName(named)
    return name ?? `${named} is no table's name: write schema.table, with quotes as in SQL where it has capitals`
  }
  const tables = await proposals.tables()
  const alike = tables.filter(({ likeness }) => likeness >= minLikeness)
  const [best, next] = alike
  if (!best) return 'no table looks like one of patients: name it with --table'
  const isClear = !next || next.likeness < best.likeness
  if (isClear || options.yes) return best
  if (dialog === null)
    return `several tables look like one of patients; name one with --table:\n${alike.map((table) => `  ${writeTableName(table)}`).join('\n')}`
  const chosen = await dialog.choose('Which table has the patients?', alike.map(writeTableName))
  return alike.find((table) => writeTableName(table) === chosen) ?? 'no table was chosen'
}

function described({ table, slot, mapping, preview, codeForm, plans, unmapped, problems }: Proposal): string[] {
  const { rows, sendable, reasons } = preview
  return [
    writeTableName(table),
    ...mapping.map(
      ({ attribute, written }) =>
        `  ${attribute.padEnd(12)} ${typeof written === 'string' ? written : JSON.stringify(written)}`,
    ),
    ...mapping.flatMap(({ attribute, comment }) =>
      comment === undefined ? [] : [`  look at ${attribute}: ${comment}`],
    ),
    ...(codeForm === null ? [] : [hangingText('  code: ', codeForm, hangingIndent)]),
    ...problems.map((problem) => hangingText('  missing: ', problem, hangingIndent)),
    ...(slot === null ? [] : [`  slot ${slot}: the usual name is taken by another database of this server`]),
    `${sendable} of the ${rows} rows that were looked at can be sent`,
    ...reasons.map(({ attribute, reason, rows: of }) => `  ${attribute}: ${reason}: ${of} rows`),
    ...(plans === null ? [] : [hangingText('', plans.sentence, hangingIndent)]),
    ...(unmapped.length === 0
      ? []
      : [hangingText('not mapped: ', `${unmapped.join(', ')}; ${notMappedMeans}`, hangingIndent)]),
  ]
}

function write(file: string, { table, slot, mapping }: Proposal): void {
  mkdirSync(dirname(file), { recursive: true })
  const values = { 'source.table': writeTableName(table), ...(slot !== null && { 'source.slot': slot }) }
  writeFileSync(file, configYaml({ values, mapping: [...mapping] }))
}

function nextSteps(output: string, { problems }: Proposal): string[] {
  const config = output === defaultOutput ? '' : ` --config ${output}`
  return [
    '',
    `${output} is written${problems.length > 0 ? ', and lacks what is missing above' : ''}. It holds no password and no key.`,
    'Next:',
    '  export DATABASE_URL=… MEDIQUO_API_KEY=… MEDIQUO_SECRET_KEY=…',
    `  mediquo-cdc check${config}      what is still in the way, and how to fix it`,
    `  mediquo-cdc setup${config}      the SQL that fixes it; --apply runs it`,
    `  mediquo-cdc run${config}`,
  ]
}
