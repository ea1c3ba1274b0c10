import type { SourceFacts } from './source-facts.ts'
import { qualifiedName, quoteIdentifier } from './sql-names.ts'

/** One requirement and whether it is met. `mend`: the statement or setting that meets it. */
export interface Finding {
  readonly requirement: string
  readonly met: boolean
  readonly detail: string
  readonly mend: string | null
}

export interface Wanted {
  readonly schema: string
  readonly table: string
  readonly publication: string
  readonly slot: string
  readonly where: string | null
  /** Columns that the mapping reads. */
  readonly columns: readonly string[]
  /** `backfill`: a slot that has lost its WAL is no obstacle, since it will be made anew. */
  readonly onSlotLost?: 'backfill' | 'stop'
}

/** Every requirement of the source, in the order in which they are to be mended. Pure. */
export function judgeSource(facts: SourceFacts, wanted: Wanted): Finding[] {
  const table = qualifiedName(wanted)
  const findings: Finding[] = []
  const require = (requirement: string, met: boolean, detail: string, mend: string | null): boolean => {
    findings.push({ requirement, met, detail, mend: met ? null : mend })
    return met
  }
  require('PostgreSQL 14 or later', facts.serverVersionNumber >=
    140_000, `the server is PostgreSQL ${facts.serverVersion}`, 'upgrade the server')
  require('wal_level is logical', facts.walLevel ===
    'logical', `wal_level is ${facts.walLevel}`, 'ALTER SYSTEM SET wal_level = logical; then restart the server')
  require('the user may replicate', facts.mayReplicate, facts.mayReplicate
    ? `${facts.user} may replicate`
    : `${facts.user} may not replicate`, `ALTER ROLE ${quoteIdentifier(facts.user)} REPLICATION;`)
  judgeTable(facts, wanted, table, require)
  judgePublication(facts, wanted, table, require)
  if (facts.slot) {
    const ours = facts.slot.plugin === 'pgoutput' && facts.slot.database === facts.database
    require('the replication slot', ours, ours
      ? `${wanted.slot} exists`
      : `${wanted.slot} is of ${facts.slot.plugin || 'physical replication'} in database ${facts.slot.database || 'none'}`, 'set source.slot to a name of its own')
    const lost = facts.slot.walStatus === 'lost'
    const renewed = lost && wanted.onSlotLost === 'backfill'
    require('the slot has its WAL', !lost || renewed, renewed
      ? 'its WAL is lost: the slot will be made anew, and the table read'
      : `its WAL is ${facts.slot.walStatus ?? 'unknown'}`, `SELECT pg_drop_replication_slot('${wanted.slot}'); then start again`)
  } else {
    require('a free replication slot', facts.freeSlots >
      0, `${facts.freeSlots} replication slots are free`, 'ALTER SYSTEM SET max_replication_slots to one more; then restart the server')
  }
  require('a free WAL sender', facts.freeSenders > 0 ||
    facts.slot?.active ===
      true, `${facts.freeSenders} WAL senders are free`, 'ALTER SYSTEM SET max_wal_senders to one more; then restart the server')
  return findings
}

type Require = (requirement: string, met: boolean, detail: string, mend: string | null) => boolean

function judgeTable({ table: facts, user }: SourceFacts, wanted: Wanted, name: string, require: Require): void {
  if (!require('the table exists', facts !== null, facts ? name : `${name} does not exist`, 'mend source.table')) return
  if (!facts) return
  require('it is a table', facts.kind !== 'other', facts.kind === 'other'
    ? `${name} is a view or a foreign table`
    : `${name} is a table`, 'name the table itself in source.table')
  require('the user may read it', facts.maySelect, facts.maySelect
    ? `${user} may read ${name}`
    : `${user} may not read ${name}`, `GRANT SELECT ON ${name} TO ${quoteIdentifier(user)};`)
  const identified = facts.replicaIdentity !== 'nothing' && facts.keyColumns.length > 0
  require('rows have a replica identity', identified, identified
    ? `rows are known by ${facts.keyColumns.join(', ')}`
    : `${name} has ${facts.replicaIdentity === 'nothing' ? 'no replica identity' : 'no primary key'}; publishing it would break its updates`, facts
    .keyColumns.length > 0
    ? `ALTER TABLE ${name} REPLICA IDENTITY DEFAULT;`
    : `ALTER TABLE ${name} ADD PRIMARY KEY (…); or, with a unique index over columns that are not null, ALTER TABLE ${name} REPLICA IDENTITY USING INDEX …;`)
  const names = new Set(facts.columns.map((column) => column.name))
  const missing = wanted.columns.filter((column) => !names.has(column))
  require('the mapped columns exist', missing.length === 0, missing.length === 0
    ? `${wanted.columns.length} columns`
    : `${name} has no column ${missing.join(', ')}`, 'mend mapping in the configuration')
}

function judgePublication(facts: SourceFacts, wanted: Wanted, table: string, require: Require): void {
  const { publication, table: tableFacts } = facts
  const name = quoteIdentifier(wanted.publication)
  if (wanted.where !== null) {
    require('row filters', facts.serverVersionNumber >=
      150_000, `source.where is set, the server is ${facts.serverVersion}`, 'source.where needs PostgreSQL 15 or later: remove it')
  }
  if (!publication) {
    const may = facts.mayCreatePublication && (tableFacts?.isOwner ?? true)
    require('the publication', may, may
      ? `${wanted.publication} will be made`
      : `${wanted.publication} does not exist and ${facts.user} may not make it`, createPublicationSql(facts, wanted))
    return
  }
  require('the publication has the table', publication.containsTable, publication.containsTable
    ? `${wanted.publication} has ${table}`
    : `${wanted.publication} does not have ${table}`, `ALTER PUBLICATION ${name} ADD TABLE ${table};`)
  const complete = publication.operations.length === 3
  require('the publication has every operation', complete, complete
    ? 'insert, update, delete'
    : `only ${publication.operations.join(', ') || 'none'}`, `ALTER PUBLICATION ${name} SET (publish = 'insert, update, delete');`)
  const needed = [...new Set([...(tableFacts?.keyColumns ?? []), ...wanted.columns])]
  const unpublished =
    publication.columns.length === 0 ? [] : needed.filter((column) => !publication.columns.includes(column))
  if (publication.containsTable) {
    require('the publication has the mapped columns', unpublished.length === 0, unpublished.length === 0
      ? 'all of them'
      : `it leaves out ${unpublished.join(', ')}`, `ALTER PUBLICATION ${name} SET TABLE ${table};`)
  }
}

/** The statement that makes the publication. */
export function createPublicationSql(facts: Pick<SourceFacts, 'table'>, wanted: Wanted): string {
  const filter = wanted.where === null ? '' : ` WHERE (${wanted.where})`
  const options = ["publish = 'insert, update, delete, truncate'"]
  if (facts.table?.kind === 'partitioned') options.push('publish_via_partition_root = true')
  return `CREATE PUBLICATION ${quoteIdentifier(wanted.publication)} FOR TABLE ${qualifiedName(wanted)}${filter} WITH (${options.join(', ')});`
}
