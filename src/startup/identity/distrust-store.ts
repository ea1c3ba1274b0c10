import { distrustStore } from '../../checkpoint/store/slot-renewal.ts'
import { formatLsn } from '../../model/source/lsn.ts'
import { xid } from '../../model/source/visibility.ts'
import type { Resources } from '../resources.ts'
import type { Judged } from './found-identity.ts'
import type { Reconciliation } from './reconcile-identity.ts'

/** Reasons why nothing is believed that the store says of mediQuo. */
const sentences = {
  'lacks writes': 'the checkpoint store lacks what was written to it last',
  'is restored':
    'the tables of the checkpoint store are not those that were written: they were restored from a dump, or copied',
} as const

/**
 * Makes the store right again if it is older than what was sent: it lacks what this process wrote to it (it was restored, or its server failed
 * over to a standby that lagged), or its tables are new ones. The slot is intact, so that the stream continues; where the slot was
 * confirmed past the checkpoint, the backfill finds what lies in between. Anything else about the slot or the server is settled first.
 * @returns null if the source need not be read again. @throws {ConnectorError} fenced
 */
export async function distrustOlderStore(
  { state, telemetry }: Pick<Resources, 'state' | 'telemetry'>,
  { checkpoint, identity: { slot, currentLsn }, server, verdict }: Judged,
): Promise<Reconciliation | null> {
  const why = checkpoint.isRestored ? 'is restored' : state.store.wentBack(checkpoint) ? 'lacks writes' : null
  if (why === null) return null
  const isSlotIntact = verdict.kind === 'go on' || (verdict.kind === 'slot lost' && verdict.loss === 'ahead')
  if (!isSlotIntact || slot.kind !== 'present' || slot.confirmedFlushLsn > currentLsn) return null
  const lsn = slot.confirmedFlushLsn > checkpoint.lsn ? slot.confirmedFlushLsn : checkpoint.lsn
  // Every transaction that was streamed before the store went back has begun by now: reads wait until all of them are visible.
  const slotGapXid = xid(server.snapshotXmax - 1n)
  await distrustStore(state.db, { epoch: checkpoint.epoch, lsn, endLsn: currentLsn, slotGapXid })
  state.store.forgetOwnWrites()
  const fields = { checkpointLsn: formatLsn(checkpoint.lsn), slotLsn: formatLsn(slot.confirmedFlushLsn) }
  const { logger } = telemetry
  if (why === 'is restored')
    logger.warn(fields, 'the checkpoint store was restored from a dump or copied, a backfill sends every row')
  else logger.warn(fields, 'the checkpoint store lacks what was written to it last, a backfill sends every row')
  return { kind: 'store restored', found: sentences[why], slot: 'kept', needsBackfill: true }
}
