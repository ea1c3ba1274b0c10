import { createSlot, type NewSlot } from '../source/slot/replication-slot.ts'
import type { Publishing } from '../source/writes/publish.ts'
import type { Resources } from './resources.ts'

/** Time to wait for open transactions in one attempt. The next attempt goes on, so that the status can report it. */
const timeoutMs = 30_000

/** Creates the publication, if it is missing, and the slot; logs it if it has to wait. @throws errors of `createSlot`. */
export async function makeSlot(
  { source, telemetry, runtime }: Pick<Resources, 'source' | 'telemetry' | 'runtime'>,
  { slot, publishing }: { readonly slot: string; readonly publishing: Publishing | null },
): Promise<NewSlot> {
  const onWaiting = () =>
    telemetry.logger.warn({ slot }, 'the replication slot is not made yet: it waits for transactions that are open')
  return await createSlot(source.clientConfig, {
    slot,
    publishing,
    timeoutMs,
    onWaiting,
    signal: runtime.drain,
  })
}
