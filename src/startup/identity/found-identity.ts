import type { Checkpoint, SourceIdentity } from '../../checkpoint/store/store.ts'
import { parseLsn } from '../../model/source/lsn.ts'
import {
  askServer,
  type FoundIdentity,
  type FoundSlot,
  type IdentityVerdict,
  judgeIdentity,
  type Server,
} from '../../source/identity/source-identity.ts'
import { readTimelineHistory } from '../../source/identity/timeline-history.ts'
import { obstacles } from '../../source/requirements/finding.ts'
import type { SlotFacts, SourceFacts, TableFacts } from '../../source/source-facts.ts'
import type { Wanted } from '../../source/wanted.ts'
import { checkFailed } from '../requirements/check-failed.ts'
import { judgeStandby } from '../requirements/standby-requirements.ts'
import type { Resources } from '../resources.ts'

/** Source and checkpoint, compared. */
export interface Judged {
  readonly facts: SourceFacts
  readonly wanted: Wanted
  readonly server: Server
  readonly checkpoint: Checkpoint
  readonly identity: FoundIdentity
  readonly verdict: IdentityVerdict
}

/** Observations of an earlier run of the pipeline that the server does not report. */
export interface Evidence {
  /**
   * Epoch up to which the publication is known to differ from the one that the slot was used with. Recreating the slot begins a later
   * epoch, so that the observation no longer holds. Null: nothing was observed.
   */
  readonly replacedUpToRun: number | null
  /** True if the stream has brought rows of another table schema. It holds until the source was read again. */
  readonly alteredStream: boolean
}

/** No observations. */
export const noEvidence: Evidence = { replacedUpToRun: null, alteredStream: false }

/**
 * Compares the checkpoint with the server. The slot's facts are older than the checkpoint, and the server's are newer, so that progress of
 * any instance in between does not look like a loss.
 */
export async function judge(
  { settings, source }: Pick<Resources, 'settings' | 'source'>,
  found: Omit<Judged, 'identity' | 'verdict'> & Evidence,
): Promise<Judged> {
  const { facts, wanted, server, checkpoint, replacedUpToRun } = found
  const publicationReplaced = replacedUpToRun !== null && checkpoint.epoch <= replacedUpToRun
  const isDescendant =
    server.systemIdentifier === checkpoint.systemIdentifier && server.timeline !== checkpoint.timeline
  const identity: FoundIdentity = {
    ...server,
    history: isDescendant ? await readTimelineHistory(source.clientConfig, server.timeline) : [],
    slot: foundSlot(facts.slot),
    publication: !facts.publication ? 'absent' : publicationReplaced ? 'replaced' : 'there',
    wantedPublication: settings.source.publication,
    storeSharesWal: checkpoint.storeServer.systemIdentifier === server.systemIdentifier,
  }
  return { facts, wanted, server, checkpoint, identity, verdict: judgeIdentity(checkpoint, identity) }
}

export function foundSlot(slot: SlotFacts | null): FoundSlot {
  if (!slot) return { kind: 'absent' }
  if (slot.walStatus === 'lost') return { kind: 'lost' }
  if (slot.confirmedFlushLsn === null) return { kind: 'unready' }
  return { kind: 'present', confirmedFlushLsn: parseLsn(slot.confirmedFlushLsn) }
}

/** Reads the server. @throws {ConnectorError} if it is a standby that must not or cannot be decoded. */
export async function findServer({ settings, source }: Pick<Resources, 'settings' | 'source'>): Promise<Server> {
  const server = await askServer(source.pool, settings.source.publication)
  if (!server.isStandby) return server
  const findings = obstacles(judgeStandby(settings, server))
  if (findings.length > 0) throw checkFailed(findings)
  return server
}

/**
 * Loads the checkpoint of this slot and table, also if the table was renamed; null before the first start.
 * @throws {ConnectorError} if the state belongs to another connector.
 */
export async function findCheckpoint(
  { settings, state }: Pick<Resources, 'settings' | 'state'>,
  table: Pick<TableFacts, 'oid'>,
): Promise<Checkpoint | null> {
  const checkpoint = await state.store.load()
  if (!checkpoint) return null
  const { slot, sourceTable, sourceTableSchema } = checkpoint
  const isItsTable = sourceTable === sourceTableOf(settings) || sourceTableSchema?.table === String(table.oid)
  if (slot === settings.source.slot && isItsTable) return checkpoint
  throw checkFailed([
    {
      requirement: 'the state belongs to this source',
      met: false,
      detail: `the state in schema ${settings.state.schema} belongs to slot ${checkpoint.slot} on ${checkpoint.sourceTable}`,
      fix: `set state.schema to a name of its own for this table. If ${checkpoint.slot} is not needed any more, drop it, or it fills the disk: "mediquo-cdc teardown" with source.slot set to it`,
    },
  ])
}

/** Returns the identity that a checkpoint on this server belongs to. */
export function identityOn(server: Server, settings: Resources['settings']): SourceIdentity {
  const { slot, publication } = settings.source
  const { systemIdentifier, timeline, databaseOid } = server
  return { slot, publication, sourceTable: sourceTableOf(settings), systemIdentifier, timeline, databaseOid }
}

/** Returns true if a commit of the checkpoint store flushes the source's WAL: both are on one running server. */
export function isStoreOn(server: Server, { storeServer }: Checkpoint): boolean {
  return storeServer.systemIdentifier === server.systemIdentifier && storeServer.startedAt === server.startedAt
}

/** Returns the table's name as the checkpoint stores it. */
export function sourceTableOf({ source }: Resources['settings']): string {
  return `${source.table.schema}.${source.table.table}`
}
