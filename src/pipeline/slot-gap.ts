import type { Pool } from 'pg'
import type { Store } from '../checkpoint/store/store.ts'
import type { Xid } from '../model/source/visibility.ts'
import { slotGapIsClosed } from '../source/slot/replication-slot.ts'

/** Checks rule 1: no read before every transaction that ran when the slot was created has ended. Then closes the gap in the store. */
export function createSlotGapCheck({
  sourcePool,
  store,
  gapXid,
}: {
  readonly sourcePool: Pick<Pool, 'query'>
  readonly store: Pick<Store, 'closeSlotGap'>
  readonly gapXid: Xid | null
}): () => Promise<boolean> {
  return async () => {
    if (gapXid === null) return true
    const { rows } = await sourcePool.query<{ now: string }>('select pg_current_snapshot()::text as now')
    if (!slotGapIsClosed(rows[0]?.now ?? '', gapXid)) return false
    await store.closeSlotGap()
    return true
  }
}
