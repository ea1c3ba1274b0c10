import { distrustStore } from '../../checkpoint/store/slot-renewal.ts'
import { formatLsn } from '../../model/source/lsn.ts'
import { xid } from '../../model/source/visibility.ts'
import type { Resources } from '../resources.ts'
import type { Judged } from './found-identity.ts'

/**
 * Makes the store right again if it lacks what this process wrote to it: it was restored, or its server failed over to a standby that
 * lagged. The slot is intact, so that the stream continues; where the slot was confirmed past the checkpoint, the backfill finds what lies
 * in between. Anything else about the slot or the server is settled first. @returns true if the source must be read again.
 * @throws {ConnectorError} fenced
 */
export async function distrustOlderStore(
  { state, telemetry }: Pick<Resources, 'state' | 'telemetry'>,
  { checkpoint, identity: { slot, currentLsn }, server, verdict }: Judged,
): Promise<boolean> {
  if (!state.store.wentBack(checkpoint)) return false
  const isSlotIntact = verdict.kind === 'go on' || (verdict.kind === 'slot lost' && verdict.loss === 'ahead')
  if (!isSlotIntact || slot.kind !== 'present' || slot.confirmedFlushLsn > currentLsn) return false
  const lsn = slot.confirmedFlushLsn > checkpoint.lsn ? slot.confirmedFlushLsn : checkpoint.lsn
  // Every transaction that was streamed before the store went back has begun by now: reads wait until all of them are visible.
  const slotGapXid = xid(server.snapshotXmax - 1n)
  await distrustStore(state.db, { epoch: checkpoint.epoch, lsn, endLsn: currentLsn, slotGapXid })
  state.store.forgetOwnWrites()
  const fields = { checkpointLsn: formatLsn(checkpoint.lsn), slotLsn: formatLsn(slot.confirmedFlushLsn) }
  telemetry.logger.warn(fields, 'the checkpoint store lacks what was written to it last, a backfill sends every row')
  return true
}
