import { createSlot, type NewSlot } from '../source/slot/replication-slot.ts'
import type { Resources } from './resources.ts'

/** A transaction that stays open longer than this is waited for in another attempt, so that the status can say so. */
const timeoutMs = 30_000

/** Makes the publication, if it is missing, and the slot; says so if it has to wait. @throws as `createSlot`. */
export async function makeSlot(
  { clientConfig, logger, drain }: Pick<Resources, 'clientConfig' | 'logger' | 'drain'>,
  { slot, publicationSql }: { readonly slot: string; readonly publicationSql: string | null },
): Promise<NewSlot> {
  const onWaiting = () =>
    logger.warn({ slot }, 'the replication slot is not made yet: it waits for transactions that are open')
  return await createSlot(clientConfig, { slot, publicationSql, timeoutMs, onWaiting, signal: drain })
}
