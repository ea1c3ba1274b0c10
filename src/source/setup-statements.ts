import { createPublicationSql, type Wanted } from './requirements.ts'
import type { SourceFacts } from './source-facts.ts'
import { qualifiedName, quoteIdentifier, quoteLiteral } from './sql-names.ts'

/** A statement of `setup`. `by hand`: it needs a restart, a decision, or a right that the connector should not have. */
export interface SetupStatement {
  readonly kind: 'sql' | 'slot' | 'by hand'
  readonly comment: string
  readonly sql: string
}

/** What is still missing for the connected user to be all that the connector needs, and no more. Pure. */
export function setupStatements(
  facts: SourceFacts,
  wanted: Wanted,
  { stateSchema }: { readonly stateSchema: string | null },
): SetupStatement[] {
  const table = qualifiedName(wanted)
  const user = quoteIdentifier(facts.user)
  const statements: SetupStatement[] = []
  const add = (kind: SetupStatement['kind'], comment: string, sql: string) => statements.push({ kind, comment, sql })
  if (facts.walLevel !== 'logical') {
    add('by hand', 'logical decoding; then restart the server', 'ALTER SYSTEM SET wal_level = logical;')
  }
  if (!facts.mayReplicate) add('sql', 'to read the replication stream', `ALTER ROLE ${user} REPLICATION;`)
  if (!facts.table?.maySelect) add('sql', 'to read single rows again', `GRANT SELECT ON ${table} TO ${user};`)
  if (facts.table && facts.table.keyColumns.length === 0) {
    add('by hand', 'rows need an identity before the table is published', `ALTER TABLE ${table} ADD PRIMARY KEY (…);`)
  } else if (facts.table?.replicaIdentity === 'nothing') {
    add('sql', 'rows need an identity before the table is published', `ALTER TABLE ${table} REPLICA IDENTITY DEFAULT;`)
  }
  if (stateSchema !== null) {
    add(
      'sql',
      'the connector keeps its state here',
      `CREATE SCHEMA IF NOT EXISTS ${quoteIdentifier(stateSchema)} AUTHORIZATION ${user};`,
    )
  }
  if (!facts.publication) {
    add('sql', 'what is streamed; before the slot', createPublicationSql(facts, wanted))
  } else if (!facts.publication.containsTable) {
    add('sql', 'what is streamed', `ALTER PUBLICATION ${quoteIdentifier(wanted.publication)} ADD TABLE ${table};`)
  }
  if (!facts.slot) {
    const slot = `SELECT pg_create_logical_replication_slot(${quoteLiteral(wanted.slot)}, 'pgoutput');`
    add('slot', 'where the stream stands; it holds WAL from now on, so start the connector soon', slot)
  }
  return statements
}
