import type { SourceFacts, TableFacts } from '../source-facts.ts'
import { qualifiedName, quoteIdentifier } from '../sql-names.ts'
import type { Wanted } from '../wanted.ts'
import { columnsNamedIn } from './filter-columns.ts'
import { type Finding, requirement } from './finding.ts'

/** Judges the table, and the user's rights on it. Pure. */
export function judgeTable({ table, user, mayUseSchema }: SourceFacts, wanted: Wanted): Finding[] {
  const name = qualifiedName(wanted)
  const role = quoteIdentifier(user)
  const exists = requirement({
    requirement: 'the table exists',
    met: table !== null,
    found: name,
    lacking: `${name} does not exist`,
    fix: 'correct source.table',
  })
  if (!table) return [exists]
  const unreadable = unreadableColumns(table, wanted)
  return [
    exists,
    requirement({
      requirement: 'it is a table',
      met: table.kind !== 'other',
      found: `${name} is a table`,
      lacking: `${name} is a view or a foreign table`,
      fix: 'name the table itself in source.table',
    }),
    requirement({
      requirement: 'the user may use its schema',
      met: mayUseSchema,
      found: `${user} may use ${quoteIdentifier(wanted.schema)}`,
      lacking: `${user} may not use ${quoteIdentifier(wanted.schema)}`,
      fix: `GRANT USAGE ON SCHEMA ${quoteIdentifier(wanted.schema)} TO ${role};`,
    }),
    requirement({
      requirement: 'the user may read it',
      met: unreadable.length === 0,
      found: `${user} may read ${name}`,
      lacking: `${user} may not read ${name}`,
      fix: `GRANT SELECT ${columnsToGrant(table, wanted)}ON ${name} TO ${role};`,
    }),
    requirement({
      requirement: 'no row is hidden from the user',
      met: !table.hidesRows,
      found: `row-level security hides nothing from ${user}`,
      lacking: `row-level security of ${name} applies to ${user}: hidden rows would look deleted`,
      fix: `ALTER ROLE ${role} BYPASSRLS;`,
    }),
    identity(table, name),
    mappedColumns(table, wanted, name),
  ]
}

/** Returns the columns that reads select, with those that the row filter needs. */
export function columnsRead({ keyColumns, columns }: TableFacts, wanted: Wanted): string[] {
  const names = columns.map(({ name }) => name)
  const filtering = wanted.where === null ? [] : columnsNamedIn(wanted.where, names)
  const needed = new Set([...keyColumns, ...wanted.columns, ...filtering])
  return names.filter((name) => needed.has(name))
}

/** Returns a column list in parentheses, or an empty text if all columns are needed. */
export function columnsToGrant(table: TableFacts, wanted: Wanted): string {
  const read = columnsRead(table, wanted)
  if (wanted.wholeRow || read.length === 0) return ''
  return `(${read.map(quoteIdentifier).join(', ')}) `
}

function unreadableColumns(table: TableFacts, wanted: Wanted): string[] {
  if (table.maySelect) return []
  const read = new Set(columnsRead(table, wanted))
  return read.size === 0
    ? table.columns.map(({ name }) => name)
    : table.columns.filter(({ name, maySelect }) => read.has(name) && !maySelect).map(({ name }) => name)
}

function identity({ replicaIdentity, keyColumns }: TableFacts, name: string): Finding {
  return requirement({
    requirement: 'rows have a replica identity',
    met: replicaIdentity !== 'nothing' && keyColumns.length > 0,
    found: `rows are known by ${keyColumns.join(', ')}`,
    lacking: `${name} has ${replicaIdentity === 'nothing' ? 'no replica identity' : 'no primary key, or a deferrable one'}; publishing it would break its updates`,
    fix:
      keyColumns.length > 0
        ? `ALTER TABLE ${name} REPLICA IDENTITY DEFAULT;`
        : `ALTER TABLE ${name} ADD PRIMARY KEY (…); or, if it is deferrable, ALTER TABLE ${name} REPLICA IDENTITY FULL; or, with a unique index over columns that are not null, ALTER TABLE ${name} REPLICA IDENTITY USING INDEX …;`,
  })
}

function mappedColumns({ columns }: TableFacts, wanted: Wanted, name: string): Finding {
  const names = new Set(columns.map((column) => column.name))
  const missing = wanted.columns.filter((column) => !names.has(column))
  return requirement({
    requirement: 'the mapped columns exist',
    met: missing.length === 0,
    found: `${wanted.columns.length} columns`,
    lacking: `${name} has no column ${missing.join(', ')}`,
    fix: 'correct mapping in the configuration',
  })
}
