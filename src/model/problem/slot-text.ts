import { sizeInWords, timeInWords } from '../quantity.ts'
import type { SlotFacts } from './problem.ts'

/** Describes how much WAL the slot retains, and when it will be lost. Pure. */
export function slotDetail({ slot, retainedBytes, secondsUntilLost, secondsToDrain }: SlotFacts): string {
  const retained = `the replication slot ${slot} retains ${sizeInWords(retainedBytes)} of WAL`
  const loss =
    secondsUntilLost === null
      ? ''
      : secondsUntilLost <= 0
        ? ', all that it may'
        : ` and will be lost in ${timeInWords(secondsUntilLost)}`
  const drain = secondsToDrain === null ? '' : `; sending what waits takes at most ${timeInWords(secondsToDrain)}`
  return `${retained}${loss}${drain}`
}

/** Returns the fix with its statement, and the consequence of doing nothing. Pure. */
export function slotFix(facts: SlotFacts): { readonly fix: string; readonly commands: readonly string[] } {
  const { limit, retainedBytes, lagBytes, safeBytes, reason, onSlotLost } = facts
  const loss = onSlotLost === 'backfill' ? 'the table is read again' : 'it is blocked until "mediquo-cdc adopt"'
  if (limit === 'idle') {
    return {
      fix: `Let the connector use it${because(reason)}, or switch the timeout off. Once it is lost, ${loss}.`,
      commands: setting('idle_replication_slot_timeout', '0'),
    }
  }
  // The slot retains WAL although most of it is confirmed: only an old open transaction causes that.
  const isConfirmed = lagBytes < retainedBytes / 2
  const remedy = isConfirmed
    ? 'End the transaction that has been open for so long'
    : `Fix what keeps changes from being delivered${because(reason)}`
  const query = isConfirmed
    ? ['SELECT pid, xact_start, state FROM pg_stat_activity WHERE backend_xid IS NOT NULL ORDER BY xact_start;']
    : []
  if (safeBytes === null) {
    return {
      fix: `${remedy}, and check that the disk has room. max_slot_wal_keep_size bounds what is retained; past it ${loss}.`,
      commands: [...query, ...setting('max_slot_wal_keep_size', "'…'")],
    }
  }
  const megabytes = Math.max(1, Math.ceil((2 * (retainedBytes + safeBytes)) / 1024 ** 2))
  return {
    fix: `${remedy}, or raise the limit. Once the slot is lost, ${loss}.`,
    commands: [...query, ...setting('max_slot_wal_keep_size', `'${megabytes}MB'`)],
  }
}

function setting(name: string, value: string): readonly string[] {
  return [`ALTER SYSTEM SET ${name} = ${value};`, 'SELECT pg_reload_conf();']
}

function because(reason: string | null): string {
  return reason === null ? '' : ` (${reason})`
}
