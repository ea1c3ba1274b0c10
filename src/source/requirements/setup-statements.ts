import { replicationFix, walLevelFix } from '../managed-service.ts'
import type { SourceFacts } from '../source-facts.ts'
import { qualifiedName, quoteIdentifier, quoteLiteral } from '../sql-names.ts'
import type { Wanted } from '../wanted.ts'
import { createPublicationSql, publishedTable, republishSql } from './publication-sql.ts'
import { columnsToGrant } from './table-requirements.ts'

/** Statement of `setup`. `by hand`: it needs a restart, a decision, or a right that the connector should not have. */
export interface SetupStatement {
  readonly kind: 'sql' | 'slot' | 'by hand'
  readonly comment: string
  readonly sql: string
}

export interface SetupOptions {
  /** Schema of the state; null: the state is in another database. */
  readonly stateSchema: string | null
  /** Role that the connector is to run as, if it is not the connected user. */
  readonly role?: { readonly name: string; readonly exists: boolean } | null
}

/** Returns the statements that are missing to give the role everything that the connector needs, and nothing more. Pure. */
export function setupStatements(facts: SourceFacts, wanted: Wanted, options: SetupOptions): SetupStatement[] {
  const statements: SetupStatement[] = []
  if (facts.walLevel !== 'logical')
    statements.push({ kind: 'by hand', comment: 'logical decoding', sql: walLevelFix(facts.service) })
  statements.push(...(options.role ? roleOfItsOwn(facts, wanted, options.role) : rightsOfTheUser(facts, wanted)))
  const owner = quoteIdentifier(options.role?.name ?? facts.user)
  const identifying = identityStatements(facts, wanted)
  statements.push(...identifying)
  if (options.stateSchema !== null) {
    const sql = `CREATE SCHEMA IF NOT EXISTS ${quoteIdentifier(options.stateSchema)} AUTHORIZATION ${owner};`
    statements.push({ kind: 'sql', comment: 'the connector keeps its state here', sql })
  }
  // PostgreSQL rejects updates and deletes of a published table that has no replica identity.
  if (identifying.some(({ kind }) => kind === 'by hand')) return statements
  statements.push(...publicationStatements(facts, wanted))
  if (!facts.slot) {
    const failover = facts.serverVersionNumber >= failoverVersion ? ', failover => true' : ''
    const sql = `SELECT pg_create_logical_replication_slot(${quoteLiteral(wanted.slot)}, 'pgoutput'${failover});`
    const comment = 'where the stream stands; it holds WAL from now on, so start the connector soon'
    statements.push({ kind: 'slot', comment, sql })
  }
  return statements
}

/** Standbys synchronize slots from their primary from PostgreSQL 17 on. */
const failoverVersion = 170_000

/** Returns the minimum for a role of its own: it owns nothing of the customer's and reads only mapped columns. */
function roleOfItsOwn(
  facts: SourceFacts,
  wanted: Wanted,
  { name, exists }: { readonly name: string; readonly exists: boolean },
): SetupStatement[] {
  const role = quoteIdentifier(name)
  const { table, service, database } = facts
  const statements: SetupStatement[] = []
  const add = (comment: string, sql: string) => statements.push({ kind: 'sql', comment, sql })
  if (!exists) add(`give it a password: \\password ${role}`, `CREATE ROLE ${role} LOGIN;`)
  add('to read the replication stream', replicationFix(service, role))
  add('to connect', `GRANT CONNECT ON DATABASE ${quoteIdentifier(database)} TO ${role};`)
  add('to find the table in its schema', `GRANT USAGE ON SCHEMA ${quoteIdentifier(wanted.schema)} TO ${role};`)
  const columns = table ? columnsToGrant(table, wanted) : ''
  add('to read the columns that are sent', `GRANT SELECT ${columns}ON ${qualifiedName(wanted)} TO ${role};`)
  if (table?.hasRowSecurity) add('hidden rows would look deleted', `ALTER ROLE ${role} BYPASSRLS;`)
  return statements
}

function rightsOfTheUser(facts: SourceFacts, wanted: Wanted): SetupStatement[] {
  const user = quoteIdentifier(facts.user)
  const statements: SetupStatement[] = []
  const add = (comment: string, sql: string) => statements.push({ kind: 'sql', comment, sql })
  if (!facts.mayReplicate) add('to read the replication stream', replicationFix(facts.service, user))
  if (!facts.mayUseSchema)
    add('to find the table in its schema', `GRANT USAGE ON SCHEMA ${quoteIdentifier(wanted.schema)} TO ${user};`)
  if (facts.table && !facts.table.maySelect) {
    const columns = columnsToGrant(facts.table, wanted)
    add('to read the columns that are sent', `GRANT SELECT ${columns}ON ${qualifiedName(wanted)} TO ${user};`)
  }
  if (facts.table?.hidesRows) add('hidden rows would look deleted', `ALTER ROLE ${user} BYPASSRLS;`)
  return statements
}

/** Returns the statements that give the table a replica identity, if it has none. Pure. */
export function identityStatements({ table }: SourceFacts, wanted: Wanted): SetupStatement[] {
  const name = qualifiedName(wanted)
  const comment = 'rows need an identity before the table is published'
  if (table && table.keyColumns.length === 0) {
    const sql = `ALTER TABLE ${name} ADD PRIMARY KEY (…);`
    return [{ kind: 'by hand', comment: `${comment}; then run setup again for the publication and the slot`, sql }]
  }
  if (table?.replicaIdentity === 'nothing')
    return [{ kind: 'sql', comment, sql: `ALTER TABLE ${name} REPLICA IDENTITY DEFAULT;` }]
  return []
}

/** Returns the statements that publish the table, if it is not published. Pure. */
export function publicationStatements(facts: SourceFacts, wanted: Wanted): SetupStatement[] {
  if (!facts.publication)
    return [{ kind: 'sql', comment: 'what is streamed; before the slot', sql: createPublicationSql(facts, wanted) }]
  const { containsTable, listsTable, filterFit, isOfMany } = facts.publication
  if (containsTable && filterFit.kind === 'other' && !isOfMany)
    return [{ kind: 'sql', comment: 'the rows of source.where', sql: republishSql(facts, facts.publication, wanted) }]
  if (containsTable || listsTable) return []
  const sql = `ALTER PUBLICATION ${quoteIdentifier(wanted.publication)} ADD TABLE ${publishedTable(facts, wanted)};`
  return [{ kind: 'sql', comment: 'what is streamed', sql }]
}
