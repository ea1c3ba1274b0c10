import { type FailoverStore, followFailover } from '../../checkpoint/store/identity/follow-failover.ts'
import { noteIdentities } from '../../checkpoint/store/identity/store-identity.ts'
import { adoptIdentity, type Renewal, renewSlot } from '../../checkpoint/store/slot-renewal.ts'
import { ConnectorError } from '../../model/failure/connector-error.ts'
import { formatLsn, type Lsn } from '../../model/source/lsn.ts'
import { type Xid, xid } from '../../model/source/visibility.ts'
import {
  describeIdentityChange,
  type IdentityChange,
  type IdentityVerdict,
} from '../../source/identity/source-identity.ts'
import { dropSlotAsFound } from '../../source/slot/replication-slot.ts'
import { describeSlotTrouble, type SlotLoss } from '../../source/slot/slot-health.ts'
import { BlockedError } from '../blocked.ts'
import { makeSlot } from '../make-slot.ts'
import { publishingOf } from '../requirements/check-writes.ts'
import type { Resources } from '../resources.ts'
import { identityOn, type Judged } from './found-identity.ts'

/** Actions that are allowed without asking, from the settings with these names. */
export interface ReconciliationPolicy {
  readonly onSlotLost: 'backfill' | 'stop'
  readonly onIdentityChange: 'block' | 'adopt'
}

/** Difference between the source and the checkpoint, and the action taken. */
export interface Reconciliation {
  readonly kind: 'failover' | 'slot lost' | 'store restored' | 'identity changed' | 'key changed' | 'table altered'
  /** Description of the difference, one sentence. */
  readonly found: string
  readonly slot: 'kept' | 'made'
  /** True if a backfill was requested. */
  readonly needsBackfill: boolean
}

type Tools = Pick<Resources, 'settings' | 'source' | 'state' | 'telemetry' | 'runtime'>

/**
 * Makes the checkpoint and the slot fit again, if the policy allows it; null if they fit. The caller must read the source again afterwards.
 * @throws {BlockedError} if somebody must decide. @throws {ConnectorError} slot being made, or fenced
 */
export async function reconcileIdentity(
  tools: Tools,
  judged: Judged,
  policy: ReconciliationPolicy,
): Promise<Reconciliation | null> {
  const { verdict } = judged
  switch (verdict.kind) {
    case 'go on':
      await noteMissing(tools, judged)
      return null
    case 'not ready':
      throw new ConnectorError('slot being made', 'another session is making the replication slot')
    case 'failover':
      return await goAlong(tools, judged, verdict)
    case 'slot lost':
      return await renew(tools, judged, verdict.loss, policy)
    case 'identity changed':
      return await adopt(tools, judged, verdict.change, policy)
  }
}

/** Notes what the checkpoint of an earlier version does not say of its database and of the store. */
async function noteMissing({ state }: Tools, { checkpoint, server }: Judged): Promise<void> {
  const { epoch, databaseOid, storeIdentity } = checkpoint
  if (databaseOid !== null && storeIdentity !== null) return
  await noteIdentities(state.db, { epoch, databaseOid: server.databaseOid })
}

async function goAlong(
  { state, telemetry: { logger } }: Tools,
  judged: Judged,
  { switchLsn, slotLsn }: Extract<IdentityVerdict, { kind: 'failover' }>,
): Promise<Reconciliation> {
  const { checkpoint, server } = judged
  const { epoch } = checkpoint
  const { timeline } = server
  const store = knowledgeOf(state.store, judged)
  const { walWasLost, storeIsDoubted } = await followFailover(state.db, { epoch, server, switchLsn, slotLsn, store })
  const fields = { from: checkpoint.timeline, to: timeline, switchLsn: formatLsn(switchLsn) }
  if (storeIsDoubted) {
    state.store.forgetOwnWrites()
    logger.warn(fields, 'the server failed over, and the state may lack what was sent last: a backfill sends every row')
  } else if (walWasLost) logger.warn(fields, 'the server failed over and lost what was delivered, a backfill follows')
  else logger.info(fields, 'the server failed over with the replication slot')
  const found = `the server failed over to timeline ${timeline}, and the replication slot with it`
  return { kind: 'failover', found, slot: 'kept', needsBackfill: walWasLost || storeIsDoubted }
}

/**
 * Rule 14: a store that fails over with the source is complete only if this process wrote it last, and it has all of these writes. A store
 * elsewhere is, unless it lacks an answered write.
 */
function knowledgeOf(store: Resources['state']['store'], { checkpoint, identity }: Judged): FailoverStore {
  const sharesWal = identity.storeSharesWal
  const hasWrites = sharesWal ? store.hasEveryWrite(checkpoint) : !store.wentBack(checkpoint)
  return { sharesWal, isComplete: hasWrites && !checkpoint.isRestored }
}

async function renew(
  tools: Tools,
  judged: Judged,
  loss: SlotLoss,
  { onSlotLost }: ReconciliationPolicy,
): Promise<Reconciliation> {
  const { settings, state, telemetry } = tools
  const { logger } = telemetry
  const { checkpoint, server } = judged
  const checkpointLsn = formatLsn(checkpoint.lsn)
  const { slot: slotName } = settings.source
  const found = `${describeSlotTrouble(loss, slotName)}: what changed after ${checkpointLsn} cannot be streamed any more`
  if (onSlotLost === 'stop') {
    // Only this process has seen that the publication differs. "adopt" recognizes it by the missing slot.
    const first =
      judged.identity.publication === 'replaced' ? `SELECT pg_drop_replication_slot('${slotName}'); and ` : ''
    throw new BlockedError(
      `${found}. Set source.onSlotLost to backfill, or ${first}run "mediquo-cdc adopt": either recreates the slot where it must, and has the whole table read`,
      checkpoint.epoch,
    )
  }
  const slot = loss === 'ahead' ? keptSlot(judged) : null
  const { lsn, slotGapXid } = slot ?? (await renewedSlot(tools, judged))
  const identity = identityOn(server, settings)
  const doubtedAtLsn = loss === 'ahead' ? server.currentLsn : null
  await renewSlot(state.db, { epoch: checkpoint.epoch, identity, lsn, slotGapXid, doubtedAtLsn })
  const fields = { slot: slotName, loss, checkpointLsn, slotLsn: formatLsn(lsn) }
  logger.warn(fields, 'changes were lost with the replication slot, a backfill follows')
  return { kind: 'slot lost', found, slot: slot ? 'kept' : 'made', needsBackfill: true }
}

async function adopt(
  tools: Tools,
  judged: Judged,
  change: IdentityChange,
  { onIdentityChange }: ReconciliationPolicy,
): Promise<Reconciliation> {
  const { settings, state, telemetry } = tools
  const { logger } = telemetry
  const { checkpoint, identity: found, server } = judged
  const sentence = describeIdentityChange(change, checkpoint, found)
  if (onIdentityChange === 'block') {
    throw new BlockedError(
      `${sentence}. Nothing is sent, since this may be a clone. If it is to be followed from now on, run "mediquo-cdc adopt"`,
      checkpoint.epoch,
    )
  }
  if (found.slot.kind === 'unready')
    throw new ConnectorError('slot being made', 'another session is making the replication slot')
  // A slot created before its publication cannot be read. For another publication the order is not known.
  const slot = found.publication === 'there' && change !== 'another publication' ? keptSlot(judged) : null
  const begins = slot ?? (await renewedSlot(tools, judged))
  const renewal: Renewal = { epoch: checkpoint.epoch, identity: identityOn(server, settings), ...begins }
  const { rows } = await adoptIdentity(state.db, renewal)
  state.store.forgetOwnWrites()
  const fields = { change, found: sentence, rows, slotLsn: formatLsn(begins.lsn) }
  logger.warn(fields, 'the database is another one than before: adopted, a backfill follows')
  return { kind: 'identity changed', found: sentence, slot: slot ? 'kept' : 'made', needsBackfill: true }
}

interface BeginningSlot {
  readonly lsn: Lsn
  readonly slotGapXid: Xid
}

/**
 * Returns the existing, readable slot; null if there is none. Its creator is unknown, so that transactions that run now count as its gap. A
 * slot confirmed past the end of a restored server's WAL is not kept: it would skip all changes up to there.
 */
function keptSlot({ identity, server }: Judged): BeginningSlot | null {
  const { slot } = identity
  if (slot.kind !== 'present' || slot.confirmedFlushLsn > server.currentLsn) return null
  return { lsn: slot.confirmedFlushLsn, slotGapXid: xid(server.snapshotXmax - 1n) }
}

/** Recreates the slot. @throws SQLSTATE 55006 while another session uses it, 42710 if another session was faster to create it. */
async function renewedSlot(tools: Tools, judged: Judged): Promise<BeginningSlot> {
  const { facts, wanted } = judged
  const { slot } = tools.settings.source
  if (facts.slot) await dropSlotAsFound(tools.source.pool, slot, facts.slot.confirmedFlushLsn)
  const publishing = facts.publication ? null : publishingOf(facts, wanted)
  const made = await makeSlot(tools, { slot, publishing })
  return { lsn: made.confirmedFlushLsn, slotGapXid: made.gapXid }
}
