import { type AttributeKind, attributes, genders, kindOf, locales } from '../../model/patient/patient.ts'
import { listSettings } from '../input/environment.ts'
import { plainSettings } from '../schema/schema.ts'
import { type SettingDoc, settingDocs } from '../schema/setting.ts'
import { writtenDefault } from './example.ts'

/** Returns the text of `docs/configuration.md`, generated from the schema. */
export function configurationDocument(): string {
  return [intro, settingTables(), variableTable(), mappingText, transformText, changeText, exitStatuses]
    .join('\n\n')
    .concat('\n')
}

const intro = `# Configuration

Made from \`src/config/schema/schema.ts\` by \`npx tsx scripts/write-docs.ts\`; \`config/mediquo-cdc.example.yaml\` is the same as a file to start from.

The file is the one that \`--config\` names, else \`MEDIQUO_CDC_CONFIG\`, else \`config/mediquo-cdc.yaml\` if it is there; without a file the defaults hold. \`\${NAME}\` takes an environment variable, \`\${NAME:-fallback}\` one with a fallback (for an unset or empty one), \`$\${\` is a literal \`\${\`. Inside of \`[]\` or \`{}\`, put a \`\${NAME}\` in quotes. Each problem is a line that names the file, the line and the key, or the environment variable.`

function settingTables(): string {
  const settings = listSettings()
  const names = [...new Set(settings.map(({ section }) => section))]
  const tables = names.map((name) => {
    const rows = settings
      .filter(({ section }) => section === name)
      .map(({ key, schema }) => settingRow(key, settingDocs.get(schema)))
    return `## ${name}\n\n${table(settingHeads, rows)}`
  })
  const plain = Object.entries(plainSettings).map(([key, schema]) => settingRow(key, settingDocs.get(schema)))
  return [...tables, `## Outside of the sections\n\n${table(settingHeads, plain)}`].join('\n\n')
}

const settingHeads = ['Key', 'Type', 'Default', 'Unit', 'Meaning']

function settingRow(key: string, doc: SettingDoc | undefined): string[] {
  if (doc === undefined) return [`\`${key}\``]
  const fallback = writtenDefault(doc)
  const shown = Array.isArray(fallback) ? `[${fallback.join(', ')}]` : String(fallback)
  return [`\`${key}\``, doc.type, `\`${shown}\``, doc.unit ?? '', doc.doc]
}

function variableTable(): string {
  const rows = listSettings().flatMap(({ key, schema }) => {
    const variable = settingDocs.get(schema)?.variable
    if (variable === undefined) return []
    const { name, isSecret = false } = variable
    return [[`\`${name}\``, `\`${key}\``, isSecret ? `\`${name}_FILE\`` : '']]
  })
  return `## Environment variables

They override the file. One that is set but empty counts as unset. A secret can come from a file instead (not from both); one line break at its end is no part of it. The files of the API’s two keys are read again once the API refuses the keys; a connection string is read at the start only.

${table(['Variable', 'Overrides', 'Or, from a file'], rows)}

\`MEDIQUO_CDC_CONFIG\` names the configuration file. \`PGHOST\`, \`PGPORT\`, \`PGDATABASE\`, \`PGUSER\` and the other libpq variables say where the database is when \`source.url\` is null. \`HTTPS_PROXY\`, \`NO_PROXY\` and \`NODE_EXTRA_CA_CERTS\` work as everywhere.`
}

/** Values that an attribute of a kind takes, where that is not obvious. */
const takes: Readonly<Record<AttributeKind, string>> = {
  code: '',
  text: '',
  gender: ` (${choiceOf(genders)})`,
  date: '',
  locale: ` (${choiceOf(locales)})`,
  object: ' (a json or jsonb column that holds an object)',
}

const mappingText = `## mapping

Each attribute of a patient and where it comes from. Without \`mapping\`, each attribute comes from the column of its own name, where there is one. The attributes: ${attributes.map((attribute) => `\`${attribute}\`${takes[kindOf[attribute]]}`).join(', ')}.

${table(
  ['Form', 'Example', 'Gives'],
  [
    [
      'a column',
      '`last_name: family_name`',
      'The column’s text, trimmed; a code exactly as it is, but for the spaces that pad `character(n)`. Column names are taken as they are, case included.',
    ],
    [
      'a column, spelt out',
      '`email: { column: mail, default: null }`',
      'The same; `default` is used when the value is null or blank.',
    ],
    [
      'several columns',
      '`first_name: { columns: [given_name, second_name], separator: " " }`',
      'The parts joined; null and blank ones are skipped. A code needs all of its parts. The separator is a space if left out.',
    ],
    [
      'a value table',
      '`gender: { column: sex, values: { M: male, F: female, U: null } }`',
      'What the table says. A value that is not in it makes the row invalid; null stays null. A boolean column’s text is t or f.',
    ],
    ['a constant', '`plan: { constant: premium }`', 'The same for every row; for `meta`, JSON. Not for `code`.'],
    [
      'no value',
      '`plan: { constant: null }`',
      'Nothing, and that is meant: no patient has it. Not for a required attribute. A constant that is left empty is refused.',
    ],
    [
      'a date in text',
      '`birth_date: { column: dob, format: dd/MM/yyyy }`',
      'A text column’s date, read by `yyyy`, `MM` or `M`, `dd` or `d`, and separators. A two-digit year (`yy`) is refused: it cannot tell 1925 from 2025.',
    ],
  ],
)}

Without a \`format\`, \`birth_date\` takes a date, timestamp or timestamptz column, or text such as 1980-02-01. Of a timestamp it takes the day; of a timestamptz the day in UTC, which is the day before for a midnight in Madrid: where that matters, convert it in a transform, or keep it in a column of type date. The years 1 to 9999 are valid; BC, later years and infinity make the row invalid.

An optional attribute that is mapped and blank is sent as null, which clears it; one that is not mapped is not sent. A request replaces what mediQuo has of the mapped attributes, also what was entered there; of those that are not mapped, mediQuo does not promise to keep what was entered there. A row without one of \`mediquo.requiredAttributes\`, or with a value that the API would refuse, becomes a dead letter that names the attribute and the reason.

### The plan

A patient that is sent without a \`plan\` is unsubscribed. A blank plan is sent so. A mapping that does not say where the plan comes from would unsubscribe every patient: it is refused, also where \`mapping\` is left out and the table has no column \`plan\`. Map a column or a constant, write \`plan: { constant: null }\` if no patient has a plan, or let a transform set it. A plan that is not in the value table makes its row a dead letter, and mediQuo keeps the plan that it has. \`init\`, \`check\` and the first lines of the log say how many rows are without a plan: of the whole table if that can be counted in a few seconds, else, and with a transform, of up to 1,000 rows.`

const changeText = `### A change of the mapping

Another \`mapping\`, transform or \`mediquo.requiredAttributes\` changes what rows are sent as. Comments, order and spelling of the file do not. The next start logs how many rows were sent, and how many dead letters rejected, under another one. With \`onMappingChange: backfill\` a backfill reads the whole table, sends the rows that differ, and tries the dead letters again. With \`wait\`, rows stay as they were sent until they change; the problem MQ4010 shows the number until \`mediquo-cdc backfill\` has read the table. A backfill for another reason, or one that runs already, sends the rows that it reads by the new mapping. \`source.backfill: never\` is about the first start only: a changed mapping reads the whole table.`

const transformText = `### A transform

\`\`\`js
// transform.js: change the patient and return it, or return null to leave the row out.
export default (row, patient) => {
  if (row.is_test === 't') return null
  patient.phone = row.prefix + row.phone
  patient.plan = row.ended_on === null ? row.tariff : null
  return patient
}
\`\`\`

\`row\` has every published column as the server’s text, or null, and is frozen; \`patient\` has the attributes that the mapping could make, and may be changed. The patient that it returns must have a \`plan\`, null for none: a row whose plan is only absent becomes a dead letter (\`missing\`), unless the mapping says \`plan: { constant: null }\`. If neither the mapping nor the transform sets a plan in any row, nothing starts. The function is not async. What it returns is checked like any other patient, and an attribute that does not exist is refused; if it throws, the row becomes a dead letter (\`transform failed\`) and what it threw is not logged, since it may hold values. A change of the file, or of one that it names by a relative path in quotes (\`./codes.mjs\`), is [a change of the mapping](#a-change-of-the-mapping) from the next start on; a change of a package is not.

A number in \`meta\` is an ordinary number to the transform if JavaScript can hold its value, and its digits are sent if it is left where it is (1.10 as 1.10). Any other (12345678901234567890, 0.1000000000000000055, 1e400) is an object: it counts as its digits in a text (\`\${patient.meta.card}\`) and as the nearest number in arithmetic. It may be moved or copied, and is sent with its digits; \`JSON.stringify\` makes a text of it, and \`structuredClone\` throws.`

const exitStatuses = `## Exit status

${table(
  ['Status', 'Means'],
  [
    ['0', 'Done; also after SIGTERM or SIGINT, once drained'],
    ['1', 'An unexpected failure; a second signal while draining; `teardown` was answered no'],
    ['2', 'The command line or the configuration is wrong; `teardown` without `--yes` had nobody to ask'],
    [
      '3',
      'A check failed; the state cannot be used; `init` found no table, lacks a column or leaves a decision to you; `setup --apply` needs something done by hand first; `teardown` left something',
    ],
    ['4', '`verify` found a difference; `demo` ended with one'],
  ],
)}`

function choiceOf(values: readonly string[]): string {
  return `${values.slice(0, -1).join(', ')} or ${values.at(-1)}`
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', String.raw`\|`)).join(' | ')} |`
  return [line(heads), line(heads.map(() => '---')), ...rows.map(line)].join('\n')
}
