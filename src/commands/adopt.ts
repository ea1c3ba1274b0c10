import { ConnectorError } from '../model/failure/connector-error.ts'
import { distrustOlderStore } from '../startup/identity/distrust-store.ts'
import { findCheckpoint, noEvidence } from '../startup/identity/found-identity.ts'
import { type Reconciliation, reconcileIdentity } from '../startup/identity/reconcile-identity.ts'
import { findSource, judgeFound, maxRounds } from '../startup/prepare.ts'
import type { Resources } from '../startup/resources.ts'
import { reconcileSchema } from '../startup/schema/reconcile-schema.ts'

/**
 * Accepts the source as it is, like `onSlotLost: backfill` and `onIdentityChange: adopt` do by themselves.
 * @returns the actions taken, none if the state fits; null before the first start. @throws {ConnectorError} check failed
 */
export async function adoptSource(resources: Resources): Promise<readonly Reconciliation[] | null> {
  const done: Reconciliation[] = []
  for (let round = 0; round < maxRounds; round++) {
    const source = await findSource(resources)
    const checkpoint = await findCheckpoint(resources, source.table)
    if (!checkpoint) return null
    const judged = await judgeFound(resources, source, { checkpoint, ...noEvidence })
    if (!judged) continue
    const reconcile = async () =>
      (await distrustOlderStore(resources, judged)) ??
      (await reconcileIdentity(resources, judged, { onSlotLost: 'backfill', onIdentityChange: 'adopt' })) ??
      (await reconcileSchema(resources, { ...source, ...noEvidence, checkpoint, adoptsKey: true }))
    const reconciled = await reconcile().catch((error: unknown) => {
      // A connector became the writer after the checkpoint was loaded, as a blocked one does that tries again.
      if (error instanceof ConnectorError && error.kind === 'fenced') return 'fenced' as const
      throw error
    })
    if (reconciled === 'fenced') continue
    if (!reconciled) return done
    done.push(reconciled)
  }
  throw new Error('the replication slot was changed again and again while it was being adopted')
}
