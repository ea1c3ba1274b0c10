import { migrateState, StateSchemaError } from '../checkpoint/state-database.ts'
import type { Checkpoint } from '../checkpoint/store.ts'
import { type CompiledMapping, compileMapping } from '../mapping/compile.ts'
import { loadTransform } from '../mapping/transform.ts'
import { parseLsn } from '../model/lsn.ts'
import { type Xid, xid } from '../model/visibility.ts'
import { createSlot } from '../source/replication-slot.ts'
import { createPublicationSql, judgeSource, type Wanted } from '../source/requirements.ts'
import { gatherSourceFacts, type SourceFacts, type TableFacts } from '../source/source-facts.ts'
import { CheckFailedError } from './check-failed.ts'
import type { Resources } from './resources.ts'

/** The source as it was found and made ready, and where to go on. */
export interface Prepared {
  readonly facts: SourceFacts
  readonly table: TableFacts
  readonly mapping: CompiledMapping
  readonly checkpoint: Checkpoint
  /** A 64-bit transaction id of about now. */
  readonly nearXid: Xid
}

/** What the source must have, from the settings. */
export function wantedOf({ settings }: Pick<Resources, 'settings'>, columns: readonly string[]): Wanted {
  const { table, publication, slot, where } = settings.source
  return { ...table, publication, slot, where, columns }
}

/** Compiles the mapping for the table as it stands. @throws {MappingError} @throws {TransformError} */
export async function fitMapping(
  { settings }: Pick<Resources, 'settings'>,
  table: TableFacts | null,
): Promise<CompiledMapping | null> {
  if (!table) return null
  return compileMapping(settings.mapping, {
    columns: table.columns.map(({ name }) => name),
    requiredAttributes: settings.mediquo.requiredAttributes,
    transform: settings.transform === null ? null : await loadTransform(settings.transform),
  })
}

/**
 * Checks the source, makes what may be made (publication, slot, state) and loads the checkpoint.
 * @throws {CheckFailedError} what is in the way, with the mend.
 */
export async function prepare(resources: Resources): Promise<Prepared> {
  const { settings, sourcePool, state, store, clientConfig, logger } = resources
  const { table: tableName, publication, slot } = settings.source
  const facts = await gatherSourceFacts(sourcePool, { ...tableName, publication, slot })
  const mapping = await fitMapping(resources, facts.table)
  const wanted = wantedOf(resources, mapping?.columns ?? [])
  const failed = judgeSource(facts, wanted).filter(({ met }) => !met)
  if (failed.length > 0 || !facts.table || !mapping) throw new CheckFailedError(failed)

  await migrateState(state.db, settings.state.schema).catch((error: unknown) => {
    if (!(error instanceof StateSchemaError)) throw error
    throw new CheckFailedError([{ requirement: 'the state schema', met: false, detail: error.message, mend: null }])
  })
  const { rows } = await sourcePool.query<{ system: string; timeline: string; xmax: string }>(
    `select (select system_identifier from pg_control_system())::text as system,
      (select timeline_id from pg_control_checkpoint())::text as timeline,
      pg_snapshot_xmax(pg_current_snapshot())::text as xmax`,
  )
  const [server] = rows
  if (!server) throw new Error('the server did not say who it is')
  const identity = {
    slot,
    publication,
    sourceTable: `${tableName.schema}.${tableName.table}`,
    systemIdentifier: server.system,
    timeline: Number(server.timeline),
  }
  let checkpoint = await store.load()
  if (checkpoint && (checkpoint.slot !== slot || checkpoint.sourceTable !== identity.sourceTable)) {
    throw new CheckFailedError([
      {
        requirement: 'the state belongs to this source',
        met: false,
        detail: `the state in schema ${settings.state.schema} belongs to slot ${checkpoint.slot} on ${checkpoint.sourceTable}`,
        mend: 'set state.schema to a name of its own for this table',
      },
    ])
  }
  if (checkpoint && !facts.slot) throw slotGone(slot)
  if (!checkpoint) {
    const publicationSql = facts.publication ? null : createPublicationSql(facts, wanted)
    if (facts.slot) {
      if (publicationSql) throw publicationAfterSlot(publication, slot)
      // Whoever made the slot, what runs now may stand in its gap: reads wait until all of it has ended.
      await store.begin(identity, parseLsn(facts.slot.confirmedFlushLsn ?? ''), xid(BigInt(server.xmax) - 1n))
    } else {
      const made = await createSlot(clientConfig, { slot, publicationSql, timeoutMs: 30_000 })
      logger.info({ slot, publication }, 'replication slot made')
      await store.begin(identity, made.confirmedFlushLsn, made.gapXid)
    }
    if (settings.source.backfill === 'initial') {
      logger.warn('rows from before the slot was made are sent when they next change: this version does not read them')
    }
    checkpoint = await store.load()
  }
  if (!checkpoint) throw new Error('the checkpoint could not be written')
  return { facts, table: facts.table, mapping, checkpoint, nearXid: xid(BigInt(server.xmax)) }
}

function slotGone(slot: string): CheckFailedError {
  return new CheckFailedError([
    {
      requirement: 'the replication slot',
      met: false,
      detail: `the replication slot ${slot} is gone, and with it the changes since the checkpoint`,
      mend: `make it anew with SELECT pg_create_logical_replication_slot('${slot}', 'pgoutput'); and have every row updated once, since a gap cannot be streamed`,
    },
  ])
}

function publicationAfterSlot(publication: string, slot: string): CheckFailedError {
  return new CheckFailedError([
    {
      requirement: 'the publication before the slot',
      met: false,
      detail: `the slot ${slot} exists, the publication ${publication} does not: a slot made before its publication cannot be read`,
      mend: `SELECT pg_drop_replication_slot('${slot}'); then start again`,
    },
  ])
}
