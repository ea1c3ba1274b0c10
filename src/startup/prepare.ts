import { migrateState } from '../checkpoint/store/state-database.ts'
import type { Checkpoint } from '../checkpoint/store/store.ts'
import { type CompiledMapping, compileMapping } from '../mapping/compile.ts'
import { loadTransform } from '../mapping/transform.ts'
import type { Lsn } from '../model/source/lsn.ts'
import type { TableSchema } from '../model/source/table-schema.ts'
import type { Server } from '../source/identity/source-identity.ts'
import { obstacles } from '../source/requirements/finding.ts'
import { generatedVersion } from '../source/requirements/publication-sql.ts'
import { judgeSource } from '../source/requirements/requirements.ts'
import { type ColumnFacts, gatherSourceFacts, type SourceFacts, type TableFacts } from '../source/source-facts.ts'
import type { ReadableTable } from '../source/table/table-read-sql.ts'
import { mappedTableSchema, readTableSchema } from '../source/table/table-schema.ts'
import type { Wanted } from '../source/wanted.ts'
import { startFirst } from './first-start.ts'
import { distrustOlderStore } from './identity/distrust-store.ts'
import {
  type Evidence,
  findCheckpoint,
  findServer,
  isStoreOn,
  type Judged,
  judge,
  noEvidence,
} from './identity/found-identity.ts'
import { reconcileIdentity } from './identity/reconcile-identity.ts'
import { checkFailed } from './requirements/check-failed.ts'
import { checkWrites } from './requirements/check-writes.ts'
import { fitPublication } from './requirements/fit-publication.ts'
import { requireStateEncoding } from './requirements/state-encoding.ts'
import type { Resources } from './resources.ts'
import { reconcilePublication } from './schema/reconcile-publication.ts'
import { reconcileSchema } from './schema/reconcile-schema.ts'
import { type ExpectedTable, expectedTable } from './schema/streamed-relation.ts'

/** Source as prepared for the pipeline, and the position to start from. */
export interface Prepared {
  readonly facts: SourceFacts
  readonly table: PreparedTable
  readonly mapping: CompiledMapping
  readonly checkpoint: Checkpoint
  /** Server on which the slot was judged. */
  readonly server: Server
  /** True if a commit of the checkpoint store flushes the source's WAL. */
  readonly isStoreOnServer: boolean
}

/** The table, as each of its readers sees it. */
export interface PreparedTable {
  /** Table as reads select it: the rows and columns that the stream brings. */
  readonly readable: ReadableTable
  /** Table as the stream is expected to describe it. */
  readonly streamed: ExpectedTable
  /** Table as the catalogs describe it. */
  readonly schema: TableSchema
  /** LSN up to which rows of another table schema in the stream are stale: they are read from the table. Null: none are accepted. */
  readonly toleratedLsn: Lsn | null
}

/** Returns the requirements on the source, from the settings. */
export function wantedOf({ settings }: Pick<Resources, 'settings'>, columns: readonly string[]): Wanted {
  const { table, publication, slot, where, onSlotLost } = settings.source
  return { ...table, publication, slot, where, columns, wholeRow: settings.transform !== null, onSlotLost }
}

/** Compiles the mapping for the table as it is now. @throws {ProblemsError} @throws {ConnectorError} transform unusable */
export async function fitMapping(
  { settings }: Pick<Resources, 'settings'>,
  { table, serverVersionNumber }: Pick<SourceFacts, 'table' | 'serverVersionNumber'>,
): Promise<CompiledMapping | null> {
  if (!table) return null
  // PostgreSQL 18 publishes stored generated columns on request. A transform gets only the columns that every version streams.
  const streamsStored = serverVersionNumber >= generatedVersion && settings.transform === null
  const isStreamed = ({ generated }: ColumnFacts) => generated === null || (generated === 'stored' && streamsStored)
  return compileMapping(settings.mapping, {
    columns: table.columns.filter(isStreamed).map(({ name }) => name),
    generated: table.columns.filter((column) => !isStreamed(column)).map(({ name }) => name),
    types: new Map(table.columns.map((column) => [column.name, column])),
    requiredAttributes: settings.mediquo.requiredAttributes,
    transform: settings.transform === null ? null : await loadTransform(settings.transform),
    requiresPlan: true,
  })
}

/** Maximum number of attempts while the source keeps changing during the preparation. */
export const maxRounds = 4

/**
 * Checks the source, creates what may be created (publication, slot, state) and loads the checkpoint.
 * @throws {BlockedError} if somebody must decide. @throws {ConnectorError} check failed: the unmet requirements, with their fixes; or slot
 * being made, or fenced.
 */
export async function prepare(resources: Resources, seen: Evidence): Promise<Prepared> {
  let evidence = seen
  let toleratesOlder = false
  for (let round = 0; round < maxRounds; round++) {
    const source = await findSource(resources)
    if (await reconcilePublication(resources, source)) continue
    await requireStateEncoding(resources)
    await migrateState(resources.state.db, resources.settings.state.schema)
    const checkpoint = await findCheckpoint(resources, source.table)
    if (!checkpoint) {
      await startFirst(resources, source)
      resources.state.store.forgetOwnWrites()
      continue
    }
    const judged = await judgeFound(resources, source, { checkpoint, ...evidence })
    if (judged === null) continue
    if ((await distrustOlderStore(resources, judged)) !== null) continue
    const reconciled = await reconcileIdentity(resources, judged, resources.settings.source)
    if (reconciled !== null) {
      evidence = { ...evidence, replacedUpToRun: null }
      continue
    }
    const reconciledSchema = await reconcileSchema(resources, { ...source, ...evidence, checkpoint, adoptsKey: false })
    if (reconciledSchema === null) return preparedOf(resources, source, judged, toleratesOlder)
    toleratesOlder ||= evidence.alteredStream
    evidence = noEvidence
  }
  throw new Error('the replication slot was changed again and again while it was being made ready')
}

/** Source that meets every requirement, except for objects that the connector can create. */
interface Source {
  readonly server: Server
  readonly facts: SourceFacts
  readonly table: TableFacts
  readonly mapping: CompiledMapping
  readonly wanted: Wanted
  readonly tableSchema: TableSchema
}

/** Reads and checks everything but the state. @throws {ConnectorError} */
export async function findSource(resources: Resources): Promise<Source> {
  const server = await findServer(resources)
  const { table, publication, slot, where } = resources.settings.source
  // Read the schema before the facts, so that an alteration in between is noticed later.
  const catalogTableSchema = await readTableSchema(resources.source.pool, { ...table, publication, columns: null })
  const facts = await gatherSourceFacts(resources.source.pool, { ...table, publication, slot, where })
  const mapping = await fitMapping(resources, facts)
  const wanted = wantedOf(resources, mapping?.columns ?? [])
  const fitted = await fitPublication(resources, facts, wanted)
  if (fitted && fitted.relief !== 'none') return await findSource(resources)
  // The action on a lost slot depends on the checkpoint, which is not loaded yet.
  const findings = judgeSource(facts, { ...wanted, onSlotLost: 'backfill' })
  const writes = await checkWrites(resources.source.pool, facts, wanted)
  const failed = obstacles(writes ? [...findings, writes] : findings)
  if (failed.length > 0 || !facts.table || !mapping || !catalogTableSchema) throw checkFailed(failed)
  return {
    server,
    facts,
    table: facts.table,
    mapping,
    wanted,
    tableSchema: mappedTableSchema(catalogTableSchema, facts.table, mapping.columns),
  }
}

/**
 * Compares the checkpoint with the server as it is now. Null: the address now leads to another server, and the facts are of the old one.
 */
export async function judgeFound(
  resources: Resources,
  { server: before, facts, wanted }: Source,
  found: Evidence & { readonly checkpoint: Checkpoint },
): Promise<Judged | null> {
  const server = await findServer(resources)
  if (server.systemIdentifier !== before.systemIdentifier || server.timeline !== before.timeline) return null
  return await judge(resources, { facts, wanted, server, ...found })
}

function preparedOf(
  resources: Resources,
  source: Source,
  { checkpoint, server }: Judged,
  toleratesOlder: boolean,
): Prepared {
  const { facts, table, mapping, tableSchema } = source
  const readable = readableOf(resources, source)
  // WAL written before the facts were read can have an older table schema than the facts.
  const toleratedLsn = toleratesOlder ? source.server.currentLsn : null
  const streamed = expectedTable(resources.settings.source.table, table, mapping.columns)
  const preparedTable = { readable, streamed, schema: tableSchema, toleratedLsn }
  return { facts, table: preparedTable, mapping, checkpoint, server, isStoreOnServer: isStoreOn(server, checkpoint) }
}

/** Returns the table as reads select it: the rows and columns that the stream brings. */
export function readableOf(
  { settings }: Pick<Resources, 'settings'>,
  { facts, table, mapping }: Pick<Source, 'facts' | 'table' | 'mapping'>,
): ReadableTable {
  const { kind, key } = table
  const filter = facts.publication ? facts.publication.rowFilter : settings.source.where
  return { ...settings.source.table, kind, key, columns: mapping.columns, filter }
}
